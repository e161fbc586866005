-- apivideo.construct_event in a location of nginx, as in docs/guides/frameworks.md.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"
local EXAMPLE = docs.blocks("docs/guides/frameworks.md", "nginx")[1].code
local REMEDY = ", or nginx may have put it into a file: set client_body_buffer_size to the same size as"
  .. " client_max_body_size, such as 1m"

nginx_lua.describe("apivideo.construct_event in nginx #process", function()
  local nginx

  after_each(function() nginx:stop() end)

  -- Starts the example with replacements: of text, which must be in it.
  local function start(replacements)
    local config = EXAMPLE:gsub("include [^\n]*\n", "", 1) -- nginx_lua loads the modules
      :gsub("/var/log/nginx/error.log", "example.log"):gsub("127.0.0.1:8080", "127.0.0.1:@port@")
    for _, pair in ipairs(replacements or {}) do
      local from, to = config:find(pair[1], 1, true)
      config = config:sub(1, from - 1) .. pair[2] .. config:sub(to + 1)
    end
    nginx = nginx_lua.start { config = config, environment = "WEBHOOK_SECRET=" .. SECRET }
  end

  -- A delivery of some bytes: the status.
  local function deliver(bytes)
    local body = ('{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18Z","videoId":"vi1",'
      .. '"liveStreamId":"li1","title":"%s"}'):format(("x"):rep(bytes))
    local response = assert(nginx:request("/webhooks", { method = "POST", body = body,
      headers = { "X-Api-Video-Signature: " .. apivideo.sign(body, SECRET) } }))
    return response.status
  end

  local function wait_for_log(text)
    wait_for(function() return nginx:log():find(text, 1, true) end, text .. " in " .. nginx:log())
  end

  it("accepts large bodies and rejects forged ones, as the guide shows", function()
    start()
    assert.equal(204, deliver(10))
    assert.equal(204, deliver(500000))
    wait_for_log "video.source.recorded vi1"
    assert.equal(401, nginx:request("/webhooks", { method = "POST", body = "{}" }).status)
    wait_for_log "signature: bad_signature: no x-api-video-signature header"
    local signed = { method = "POST", body = "{}",
      headers = { "X-Api-Video-Signature: " .. apivideo.sign("{}", SECRET) } }
    assert.equal(400, nginx:request("/webhooks", signed).status)
    wait_for_log "type: field is missing: {}"
  end)

  it("names the directive for a body in a file", function()
    start { { "client_body_buffer_size 1m;", "client_body_buffer_size 16k;" } }
    assert.equal(204, deliver(10))
    assert.equal(401, deliver(50000))
    wait_for_log("the body is empty: it was not read, or other code read it before" .. REMEDY .. "; a signature")
  end)

  it("names the directive in the error for a body that is nil", function()
    start { { "client_body_buffer_size 1m;", "client_body_buffer_size 16k;" }, { ' or ""', "" } }
    assert.equal(204, deliver(10))
    assert.equal(500, deliver(50000))
    wait_for_log('argument "raw" must be the bytes as they arrived (a string), got nil; read the body first' .. REMEDY)
  end)

  it("names the line that lets nginx pass a variable, in the error for a secret that is nil", function()
    start { { "env WEBHOOK_SECRET;", "" } }
    assert.equal(500, deliver(10))
    wait_for_log("client.webhooks:secret_source(); in nginx, os.getenv returns nil unless the environment in which"
      .. " nginx starts has the variable, and nginx.conf the line: env WEBHOOK_SECRET;")
  end)
end)
