--- JSON of the management API: a private instance of lua-cjson, so that settings made here change
--- nobody else's, and nobody else's change ours.

local cjson = require("cjson.safe").new()

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(100)
cjson.encode_max_depth(100)
cjson.encode_invalid_numbers(false)

return cjson
