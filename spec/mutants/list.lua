--- The list of mutants. Each changes one check in a file, and a spec must fail. A change has a description, the text to
--- replace, which must occur exactly once in the file, and the replacement.

local list = {}
for _, room in ipairs { "parsing", "signing", "calling", "receiving", "deriving", "keeping", "pausing", "connecting",
  "operating", "reconciling", "managing", "commanding", "testing", "logging" } do
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
