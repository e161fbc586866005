--- The testing kit: deliveries for tests, and the local api.video.

return {
  {
    file = "lua/apivideo/testing/init.lua", spec = "spec/testing/testing_spec.lua",
    { "an unknown type is accepted with any field", "if own_type ~= nil or events.types[name]", "if fields or events.types[name]" },
    { "a field may contradict the type", "if own_type ~= nil and own_type ~= name then", "if false then" },
    { "a delivery has the sample's date", "sample.emittedAt = nil", "" },
  },
  {
    file = "lua/apivideo/testing/clock.lua", spec = "spec/testing/clock_spec.lua",
    { "a reset sets the monotonic clock back", "  self._ahead = 0\n", "  self._ahead, self._monotonic_ahead = 0, 0\n" },
    { "the time of day does not move", "core.now, runtime.now = now_ahead, now_ahead", "" },
    { "the event loop does not move", "core.monotonic, runtime.monotonic = monotonic_ahead", "core.monotonic, runtime.monotonic = monotonic" },
  },
  {
    file = "lua/apivideo/testing/store.lua", spec = "spec/testing/store_spec.lua",
    { "a failing store stores", "if self._is_failing then", "if self._is_failing and name ~= \"put\" then" },
    { "a store does not recover", "self._is_failing = false\nend", "end" },
  },
  {
    file = "lua/apivideo/testing/drain.lua", spec = "spec/testing/drain_spec.lua",
    { "a failure of the store is an empty inbox", "result.err = result.err or err", "" },
    { "the last claim counts, too", "+ #(claims or {})", "+ 1" },
  },
  {
    file = "lua/apivideo/events/outgoing.lua", spec = "spec/testing/testing_spec.lua",
    { "fields are in any order", "if ra ~= rb then return ra < rb end", "if ra ~= rb then return ra > rb end", spec = "spec/emulator/emulator_spec.lua" },
    { "a delivery without a secret is signed", "secret and signature.sign(raw, secret) or nil", 'signature.sign(raw, secret or "")' },
  },
  {
    file = "lua/apivideo/emulator/control.lua", spec = "spec/emulator/control_spec.lua",
    { "a control route needs no key", "if not self._tokens:is_authorized(request.headers.authorization)", "if false" },
    { "a body that is not UTF-8 is written as it is", "if is_utf8(bytes) then", "if true then" },
    { "a header that is not UTF-8 is written as it is", '~= "string" or is_utf8(value)', '~= "string" or true' },
    { "a video may have another id than its path", "if fields[id_name] ~= nil and", "if false and" },
    { "null is the value of a fault's option", "if value ~= json.null then copy", "do copy" },
  },
  {
    file = "lua/apivideo/emulator/pattern.lua", spec = "spec/emulator/faults_spec.lua",
    { "a capture may have no end", "if is_open then return", "if false then return" },
    { "a set may have no end", "function(text, at) return end_of_set(text, at), NO_SET_END end", "function(_, at) return at end" },
    { "a percent sign may be the last byte", 'text:match("^.()", at)', "at + 1" },
    { "a back reference may come before its capture", "is_complete and at or nil", "at" },
  },
  {
    file = "lua/apivideo/emulator/webhooks.lua", spec = "spec/emulator/emulator_spec.lua",
    { "a mistyped event type has no warning", "if not self._events.types[name] then", "if false then" },
  },
  {
    file = "lua/apivideo/emulator/summaries.lua", spec = "spec/emulator/resources_spec.lua",
    { "a summary that is waiting has a text", 'fields.source or summary.sourceStatus == "completed"', "true" },
    { "a list of summaries has their texts", "copy.source = nil", "" },
  },
  {
    file = "lua/apivideo/emulator/history.lua", spec = "spec/emulator/control_spec.lua",
    { "any number of requests is kept", "#items > ITEMS_MAX or", "" },
    { "requests of any size are kept", "or self._bytes > BYTES_MAX and #items > 1", "" },
  },
  {
    file = "lua/apivideo/emulator/schema.lua", spec = "spec/emulator/control_spec.lua",
    { "the items of a list are not checked", "for i = 1, #value do", "for i = 1, 0 do" },
  },
  {
    file = "lua/apivideo/emulator/init.lua", spec = "spec/emulator/control_spec.lua",
    { "a reset keeps the connections to refuse", "  self:clear_faults()\n  self._was_reset", "  self._was_reset" },
    { "deliveries continue after a reset", "self._was_reset:open(true)", "" },
  },
  {
    file = "lua/apivideo/emulator/encoding.lua", spec = "spec/emulator/encoding_spec.lua",
    { "a quality that fails has an event", "if qualities.is_selected(settings.failed, quality) then", "if false then" },
    { "a video is playable before a quality is encoded", "encoding = { playable = false, qualities = qualities_of", "encoding = { playable = true, qualities = qualities_of" },
    { "MP4 is made of a video without it", "video.mp4Support ~= false)", "true)" },
    { "a replaced video is encoded", "and self.videos:find(video.videoId) == video", "" },
    { "an encoding continues after the emulator has stopped", 'reason == "timeout"', "true" },
    { "any quality is accepted", "options.quality and qualities.problem(options.quality)", "nil" },
  },
  {
    file = "lua/apivideo/emulator/uploads.lua", spec = "spec/emulator/encoding_spec.lua",
    { "a source can be uploaded twice", 'if video.status.ingest.status ~= "uploading"', "if false" },
    { "a part is a whole source", 'if request.headers["content-range"]', "if false" },
  },
  {
    file = "lua/apivideo/emulator/broadcasts.lua", spec = "spec/emulator/encoding_spec.lua",
    { "a broadcast can start twice", "stream.broadcasting and not is_broadcasting", "false" },
    { "a broadcast can end before it starts", "is_broadcasting and not stream.broadcasting", "false" },
  },
  {
    file = "lua/apivideo/emulator/delivery_faults.lua", spec = "spec/emulator/deliveries_spec.lua",
    { "the seed does not matter", '("%d"):format(seed)', '"1"' },
    { "similar seeds have similar faults", "_state = state, _overtaken", "_state = seed, _overtaken" },
    { "a delivery is never overtaken", "if fault.overtaken_by then", "if false then" },
    { "deliveries are not late", "if fault.delay > 0 then", "if false then" },
  },
  {
    file = "lua/apivideo/emulator/deliveries.lua", spec = "spec/emulator/deliveries_spec.lua",
    { "lost deliveries are sent", "  if fault.is_lost then\n    delivery.state = \"lost\"\n    return delivery\n  end\n", "" },
    { "no delivery is repeated", "if send(self, delivery, webhook, fault) then", "if false and send(self, delivery, webhook, fault) then" },
  },
  {
    file = "lua/apivideo/emulator/faults.lua", spec = "spec/emulator/deliveries_spec.lua",
    { "a fault has no end", "if fault.ends and runtime.monotonic() >= fault.ends then return false end", "" },
  },
}
