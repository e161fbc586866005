--- Parses valid and invalid events.

local apivideo = require "apivideo"

local raws = {}
for _, name in ipairs(apivideo.events:names()) do
  raws[#raws + 1] = require("cjson").encode(apivideo.events:sample(name))
end
table.sort(raws)
raws[#raws + 1] = '{"type":"a.b","text":"' .. ("\\u00e9\\n\\ud83d\\ude00 x"):rep(300) .. '","list":['
  .. ('{"a":1.5,"b":[null,true,12345678901234567890]},'):rep(60) .. '{}]}'

return function()
  for _, raw in ipairs(raws) do
    local event, err = apivideo.parse(raw)
    if not event then return nil, err end
  end
  for _, raw in ipairs { "{", '{"type":""}', '{"type":"video.source.recorded"}', "[" } do
    if apivideo.parse(raw) then return nil, "an invalid event was accepted" end
  end
  return true
end
