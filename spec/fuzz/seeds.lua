-- Writes the seeds that are made of what the checkout has: events of every type, the forms of JSON, and
-- signatures that hold: seeds.lua directory

package.path = "./?.lua;" .. package.path

local cjson = require "cjson"
local apivideo = require "apivideo"
local forms = require "spec.support.json_forms"

local directory = arg[1]

local function write(target, name, bytes)
  os.execute(("mkdir -p '%s/%s'"):format(directory, target))
  local file = assert(io.open(("%s/%s/%s"):format(directory, target, name), "wb"))
  file:write(bytes)
  file:close()
end

for _, name in ipairs(apivideo.events:names()) do
  write("event", name, cjson.encode(apivideo.events:sample(name)))
end

for kind, list in pairs { accepted = forms.accepted, rejected = forms.rejected, not_utf8 = forms.not_utf8 } do
  for i, form in ipairs(list) do
    if kind == "not_utf8" then form = '"' .. form .. '"' end
    write("event", ("%s-%d"):format(kind, i), form)
    write("event", ("%s-%d-in"):format(kind, i), '{"type":"x","v":' .. form .. "}")
  end
end

for i, raw in ipairs { "", "{}", cjson.encode(apivideo.events:sample "video.source.recorded") } do
  local hex = apivideo.sign(raw, "sig_sec_1")
  write("signature", "first-" .. i, table.concat({ hex, "sig_sec_1", "", raw }, "\30"))
  write("signature", "second-" .. i, table.concat({ hex:upper(), "other", "sig_sec_1", raw }, "\30"))
end
