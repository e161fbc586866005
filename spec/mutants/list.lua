--- The mutants: for each file, the spec that must notice, and the changes that each break one check.
--- A change is what it breaks, the text, which the file has once, and what stands there instead.

local list = {}
for _, room in ipairs { "parsing", "signing", "calling", "receiving", "keeping", "managing" } do
  for _, group in ipairs(dofile("spec/mutants/" .. room .. ".lua")) do
    for _, change in ipairs(group) do
      list[#list + 1] = {
        file = group.file, spec = change.spec or group.spec,
        what = change[1], from = change[2], to = change[3],
      }
    end
  end
end

return list
