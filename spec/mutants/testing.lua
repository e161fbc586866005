--- The testing kit: deliveries for tests, and the local api.video.

return {
  {
    file = "lua/apivideo/testing.lua", spec = "spec/testing/testing_spec.lua",
    { "an unknown type is accepted with any field", "if given ~= nil or events.types[name]", "if fields or events.types[name]" },
    { "a field may contradict the type", "if given ~= nil and given ~= name then", "if false then" },
    { "a delivery has the sample's date", "sample.emittedAt = nil", "" },
  },
  {
    file = "lua/apivideo/events/outgoing.lua", spec = "spec/testing/testing_spec.lua",
    { "fields are in any order", "if ra ~= rb then return ra < rb end", "if ra ~= rb then return ra > rb end", spec = "spec/emulator/emulator_spec.lua" },
    { "a delivery without a secret is signed", "secret and signature.sign(raw, secret) or nil", 'signature.sign(raw, secret or "")' },
  },
}
