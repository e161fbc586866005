--- Bodies that another module of nginx reads before receiver:nginx(). (Newer versions of nginx do the same with
--- `client_body_early_read on`.)

local apivideo = require "apivideo"
local cjson = require "cjson"
local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"

local APP = [[
local apivideo = require "apivideo"
local app = {}
app.handlers = apivideo.handlers():otherwise(function(event) ngx.shared.seen:incr(event.videoId, 1, 0) end)
app.receiver = apivideo.receiver { handlers = app.handlers, secrets = "]] .. SECRET .. [[", max_body = 20000 }
return app
]]

-- `mirror` reads the body in the phase precontent.
local SERVER = [[
mirror /aside;
location = /aside { internal; mirror off; return 204; }
location = /small { client_body_buffer_size 4096; content_by_lua_block { require("app").receiver:nginx() } }
location = /large { client_body_buffer_size 20000; content_by_lua_block { require("app").receiver:nginx() } }
location = /kept {
  client_body_buffer_size 4096; client_body_in_file_only clean;
  content_by_lua_block { require("app").receiver:nginx() }
}
location = /own {
  client_body_buffer_size 4096;
  content_by_lua_block { ngx.print((require("app").receiver:nginx { respond = false })) }
}
location /seen/ { mirror off; content_by_lua_block { ngx.print(ngx.shared.seen:get(ngx.var.uri:sub(7)) or 0) } }
location = /metrics { mirror off; content_by_lua_block { ngx.print(require("app").receiver:metrics()) } }
]]

nginx_lua.describe("a body that another module of nginx read first #process", function()
  local nginx

  before_each(function()
    nginx = nginx_lua.start { http = "lua_shared_dict seen 1m;", server = SERVER, files = { ["app.lua"] = APP } }
  end)

  after_each(function() nginx:stop() end)

  local function body_of(size)
    local event = apivideo.events:sample "video.encoding.quality.completed"
    event.title = ("x"):rep(size - #cjson.encode(event))
    return cjson.encode(event), "/seen/" .. event.videoId
  end

  local function post(path, body)
    return assert(nginx:request(path, { method = "POST", body = body,
      headers = { "Content-Type: application/json", "X-Api-Video-Signature: " .. apivideo.sign(body, SECRET) } }))
  end

  it("is handled if it fits into the buffer, or if nginx keeps its file", function()
    local body, seen = body_of(15000)
    assert.equal(204, post("/large", body).status)
    assert.equal(204, post("/kept", body).status)
    assert.equal(204, post("/small", (body_of(2000))).status)
    assert.equal("3", nginx:get(seen))
  end)

  it("gets 503 otherwise, with the remedy in one line of the log", function()
    local body, seen = body_of(15000)
    local response = post("/small", body)
    assert.same({ 503, "", "0" }, { response.status, response.body, response.headers["content-length"] })
    assert.equal("503", post("/own", body).body)
    assert.equal("0", nginx:get(seen))
    wait_for(function() return nginx:log():find("POST /own", 1, true) end, "the log")
    local lines = {}
    for line in nginx:log():gmatch "[^\n]*apivideo[^\n]*" do lines[#lines + 1] = line end
    assert.equal(2, #lines, nginx:log())
    assert.matches("%[error%] .-apivideo: rejected with 503: receiver: body_unavailable: the file of the body cannot be"
      .. " read %([^)]+: No such file or directory%); nginx deletes it where another module has read the body before"
      .. " %(mirror, client_body_early_read%): set client_body_buffer_size to the receiver's max_body, 20000, or more",
      lines[1])
    assert.matches('rejected_total{reason="body_unavailable"} 2\n', nginx:get "/metrics")
  end)
end)
