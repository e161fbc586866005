--- The schemas of api.video's event types: the fields that identify an event, and a sample. `apivideo.events` is the
--- catalogue of them.
---
--- Source: api.video's documentation, "Webhooks" (https://docs.api.video/reference/webhooks), and the
--- webhooks of its OpenAPI document; the samples have the values of its examples.

---@class apivideo.Event
---@field type string what happened
---@field emittedAt? string when, as api.video writes it: `apivideo.timestamp` converts it to a number. api.video documents it for each type
---@field [string] any other field, such as one newer than this library. An array may contain `cjson.null`

--- A live stream began to broadcast. Sent for each broadcast, so repeatedly for the same stream.
---@class apivideo.event.LiveStreamBroadcastStarted : apivideo.Event
---@field type "live-stream.broadcast.started"
---@field emittedAt string
---@field liveStreamId string the live stream

--- A live stream's broadcast ended. Sent for each broadcast, so repeatedly for the same stream.
---@class apivideo.event.LiveStreamBroadcastEnded : apivideo.Event
---@field type "live-stream.broadcast.ended"
---@field emittedAt string
---@field liveStreamId string the live stream

--- A broadcast was recorded, and the recording is queued for encoding.
---@class apivideo.event.VideoSourceRecorded : apivideo.Event
---@field type "video.source.recorded"
---@field liveStreamId? string the live stream that was recorded
---@field videoId string the recording: a new video each time

--- One version of a video was encoded. Sent once for each quality of HLS, and once for MP4.
---@class apivideo.event.VideoEncodingQualityCompleted : apivideo.Event
---@field type "video.encoding.quality.completed"
---@field videoId string the video
---@field encoding "hls"|"mp4"|string the version's format
---@field quality "240p"|"360p"|"480p"|"720p"|"1080p"|"2160p"|string the version's quality
---@field liveStreamId? string the live stream that the video is a recording of

--- A caption was generated for a video.
---@class apivideo.event.VideoCaptionGenerated : apivideo.Event
---@field type "video.caption.generated"
---@field videoId string the video
---@field captionId string the caption
---@field generationMode? "transcript"|string how it was generated
---@field language? string the caption's language, an IETF language tag such as `en`

--- A summary of a video was generated.
---@class apivideo.event.VideoSummaryGenerated : apivideo.Event
---@field type "video.summary.generated"
---@field videoId string the video
---@field summaryId string the summary

--- A video is ready: for each condition of `handlers:on_ready`, once. Derived.
---@class apivideo.event.ApivideoVideoReady : apivideo.Event
---@field type "apivideo.video.ready"
---@field videoId string the video
---@field condition "playable"|"mp4"|"all"|string what the video meets: also an HLS quality, such as `720p`

--- The recording of a broadcast is playable. Derived.
---@class apivideo.event.ApivideoRecordingReady : apivideo.Event
---@field type "apivideo.recording.ready"
---@field liveStreamId string the live stream that was recorded
---@field videoId string the recording

--- One version of a video could not be encoded. Derived.
---@class apivideo.event.ApivideoVideoFailed : apivideo.Event
---@field type "apivideo.video.failed"
---@field videoId string the video
---@field encoding "hls"|"mp4"|string the version's format
---@field quality string the version's quality

--- A summary could not be generated. Derived.
---@class apivideo.event.ApivideoSummaryFailed : apivideo.Event
---@field type "apivideo.summary.failed"
---@field videoId string the video
---@field summaryId string the summary

--- A video has a caption in a language: for each language, once. Derived.
---@class apivideo.event.ApivideoCaptionAvailable : apivideo.Event
---@field type "apivideo.caption.available"
---@field videoId string the video
---@field language string the caption's language

---@class apivideo.EventType
---@field required string[] string fields without which an event of the type is `bad_event`. api.video's types require only those of the identity, so that an event without another field is not lost
---@field identity string[] the required fields that, together with the type, distinguish one occurrence from another
---@field emitted_at? boolean whether `emittedAt` belongs to the identity, because the same thing happens again
---@field opposite? string with `emitted_at`: after an event of this type, the next event of the current type is a new occurrence
---@field description? string one line
---@field sample? table an event

---@class apivideo.DerivedType : apivideo.EventType a type that api.video does not send: this library creates its events
---@field derived true
---@field causes string[] the types of the events from which it follows

local VIDEO, STREAM = "vi4blUQJFrYWbaG44NChkH11", "li400mYKSgQ6xs7taUeSaEap"

-- The definition of a derived type: all its fields are required and identify it, except where `identity` is given.
local function derived(name, description, fields, causes, identity)
  local required, sample = {}, { type = name, emittedAt = "2024-08-08T14:12:18+00:00" }
  for i, field in ipairs(fields) do
    required[i], sample[field[1]] = field[1], field[2]
  end
  return {
    required = required, identity = identity or required, emitted_at = false, description = description,
    sample = sample, derived = true, causes = causes,
  }
end

---@type table<string, apivideo.EventType>
return {
  ["live-stream.broadcast.started"] = {
    required = { "liveStreamId", "emittedAt" },
    identity = { "liveStreamId" },
    emitted_at = true,
    opposite = "live-stream.broadcast.ended",
    description = "A live stream began to broadcast.",
    sample = {
      type = "live-stream.broadcast.started",
      emittedAt = "2023-05-23T09:29:02.154104779Z",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
    },
  },
  ["live-stream.broadcast.ended"] = {
    required = { "liveStreamId", "emittedAt" },
    identity = { "liveStreamId" },
    emitted_at = true,
    opposite = "live-stream.broadcast.started",
    description = "A live stream's broadcast ended.",
    sample = {
      type = "live-stream.broadcast.ended",
      emittedAt = "2023-05-23T10:41:37.480116204Z",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
    },
  },
  ["video.source.recorded"] = {
    required = { "videoId" },
    identity = { "videoId" },
    emitted_at = false,
    description = "A broadcast is recorded, and its recording waits to be encoded.",
    sample = {
      type = "video.source.recorded",
      emittedAt = "2021-01-29T16:46:25.217+01:00",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
      videoId = "vi4blUQJFrYWbaG44NChkH11",
    },
  },
  ["video.encoding.quality.completed"] = {
    required = { "videoId", "encoding", "quality" },
    identity = { "videoId", "encoding", "quality" },
    emitted_at = false,
    description = "One quality of a video is encoded, as HLS or MP4.",
    sample = {
      type = "video.encoding.quality.completed",
      emittedAt = "2021-01-29T15:46:25.217Z",
      videoId = "vi0000000000000000000000",
      liveStreamId = "li0000000000000000000000",
      encoding = "hls",
      quality = "720p",
    },
  },
  ["video.caption.generated"] = {
    required = { "videoId", "captionId" },
    identity = { "videoId", "captionId" },
    emitted_at = false,
    description = "A caption was made for a video.",
    sample = {
      type = "video.caption.generated",
      emittedAt = "2024-08-08T14:12:18+00:00",
      videoId = "vi4blUQJFrYWbaG44NCh1234",
      captionId = "caption_1CHAfLFHT5B5EV4vzT1234",
      generationMode = "transcript",
      language = "en",
    },
  },
  ["video.summary.generated"] = {
    required = { "videoId", "summaryId" },
    identity = { "videoId", "summaryId" },
    emitted_at = false,
    description = "A summary was made of a video.",
    sample = {
      type = "video.summary.generated",
      emittedAt = "2024-08-08T14:12:18+00:00",
      videoId = "vi4blUQJFrYWbaG44NCh1234",
      summaryId = "summary_1CGyYoB9XCgBk4iQna8ocT",
    },
  },
  ["apivideo.video.ready"] = derived("apivideo.video.ready", "A video meets a condition of handlers:on_ready.",
    { { "videoId", VIDEO }, { "condition", "720p" } }, { "video.encoding.quality.completed" }),
  ["apivideo.recording.ready"] = derived("apivideo.recording.ready", "The recording of a broadcast is playable.",
    { { "videoId", VIDEO }, { "liveStreamId", STREAM } },
    { "video.encoding.quality.completed", "video.source.recorded" }, { "videoId" }),
  ["apivideo.video.failed"] = derived("apivideo.video.failed", "One quality of a video could not be encoded.",
    { { "videoId", VIDEO }, { "encoding", "hls" }, { "quality", "720p" } }, {}),
  ["apivideo.summary.failed"] = derived("apivideo.summary.failed", "A summary of a video could not be made.",
    { { "videoId", VIDEO }, { "summaryId", "summary_1CGyYoB9XCgBk4iQna8ocT" } }, {}),
  ["apivideo.caption.available"] = derived("apivideo.caption.available", "A video has a caption in a language.",
    { { "videoId", VIDEO }, { "language", "en" } }, { "video.caption.generated" }),
}
