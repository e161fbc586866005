-- client:request, which every call uses.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local misuse = require "spec.support.misuse"
local peer = require "spec.support.peer"
local running = require "spec.support.running"

describe("client:request", function()
  local p

  after_each(running.stop)

  -- A client of a peer that sends this response.
  local function client_of_response(body, status)
    p = running.responding(status or "200 OK", nil, body or '{"a":1}')
    return client_of(p.url)
  end

  it("sends a query", function()
    local client = client_of_response()
    local result, err, response = client:request("GET", "/players", { query = {
      b = "x y&z=é", a = 5, c = true, big = 2 ^ 53, half = 0.5, list = { "one", "two" }, map = { k = "v", ["l]"] = 3 },
    } })
    assert.same({ a = 1 }, result)
    assert.is_nil(err)
    assert.equal(200, response.status)
    assert.equal("GET /players?a=5&b=x%20y%26z%3D%C3%A9&big=9007199254740992&c=true&half=0.5&list%5B%5D=one"
      .. "&list%5B%5D=two&map%5Bk%5D=v&map%5Bl%5D%5D=3 HTTP/1.1", p.requests[1].line)
    assert.equal("", p.requests[1].body)
    assert.is_nil(p.requests[1].head:find("Content-Type", 1, true))
    assert(client:request("GET", "/players", { query = {} }))
    assert.equal("GET /players HTTP/1.1", p.requests[2].line)
  end)

  it("sends a table as JSON, and a string as it is", function()
    local client = client_of_response()
    assert(client:request("POST", "/players", { body = { text = "é\"\\/", n = 9007199254740992, nothing = apivideo.null,
      list = { 1, 2 } } }))
    local sent = require("apivideo.util.json").decode(p.requests[1].body)
    assert.same({ text = "é\"\\/", n = 9007199254740992, nothing = apivideo.null, list = { 1, 2 } }, sent)
    assert.truthy(p.requests[1].body:find("9007199254740992", 1, true))
    assert.truthy(p.requests[1].head:find("Content-Type: application/json\r\n", 1, true))
    for _, body in ipairs { "", "{}", ' { "a" : 1.0 } ', "no JSON at all\0" } do
      assert(client:request("POST", "/players", { body = body }))
      assert.equal(body, p.requests[#p.requests].body)
      assert.truthy(p.requests[#p.requests].head:find("Content-Type: application/json\r\n", 1, true))
    end
    assert(client:request("POST", "/players", { body = {} }))
    assert.equal("{}", p.requests[#p.requests].body)
  end)

  it("sends any method, with or without a body", function()
    local client = client_of_response()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
      for _, body in ipairs { false, '{"x":1}' } do
        local result = assert(client:request(method, "/players/pl1", { body = body or nil }))
        assert.same(method == "DELETE" or { a = 1 }, result)
        local request = p.requests[#p.requests]
        assert.equal(method .. " /players/pl1 HTTP/1.1", request.line)
        assert.equal(body or "", request.body)
      end
    end
  end)

  it("returns true for an empty body, and after a DELETE", function()
    local client = client_of_response("", "204 No Content")
    for _, method in ipairs { "POST", "PATCH", "DELETE", "HEAD" } do
      local result, err, response = client:request(method, "/x")
      assert.is_true(result)
      assert.is_nil(err)
      assert.equal(204, response.status)
    end
    client = client_of_response("<html>")
    assert.is_true((client:request("DELETE", "/x")))
  end)

  it("returns lists, too, and rejects other JSON", function()
    local client = client_of_response("[1,2]")
    assert.same({ 1, 2 }, (client:request("GET", "/x")))
    for _, body in ipairs { "5", "null", "true", '"x"', "<html>", "{" } do
      client = client_of_response(body)
      local result, err = client:request("GET", "/x")
      assert.is_nil(result)
      assert.equal("unexpected_response", err.kind)
      assert.equal(200, err.status)
      assert.equal(body, err.response.body)
    end
  end)

  it("returns an error with the raw response for any status but 2xx", function()
    local client = client_of_response('{"title":"No.","status":418}', "418 X")
    local result, err = client:request("GET", "/x")
    assert.is_nil(result)
    assert.equal("invalid_request", err.kind)
    assert.equal(418, err.status)
    assert.equal("No.", err.problem.title)
    assert.equal('{"title":"No.","status":418}', err.response.body)
    assert.equal("GET", err.request.method)
    assert.equal(p.url .. "/x", err.request.url)
  end)

  it("appends the path to the base URL's path, with or without a slash at its end", function()
    client_of_response('{"videoId":"vi1"}')
    for _, ending in ipairs { "/proxy", "/proxy/", "/proxy//" } do
      local client = apivideo.client { api_key = "key", base_url = p.url .. ending, timeout = 60 }
      assert.equal(p.url .. "/proxy", client.base_url)
      assert(client.videos:get("vi1"))
      assert.equal("GET /proxy/videos/vi1 HTTP/1.1", p.requests[#p.requests].line)
    end
  end)

  it("sends the path unchanged", function()
    local client = client_of_response()
    for _, path in ipairs { "/", "/a/b", "/a//b", "/a%20b", "/a/./b", "/a;b,c", "/%C3%A9" } do
      assert(client:request("GET", path))
      assert.equal("GET " .. path .. " HTTP/1.1", p.requests[#p.requests].line)
    end
  end)

  it("raises for misuse, naming the argument", function()
    local client = client_of_response()
    local function message(...)
      local arguments = { ... }
      return misuse(function() return (client:request(arguments[1], arguments[2], arguments[3])) end)
    end
    for _, method in ipairs { "get", "", "GET ", "G-T", "GET /x", "GET\r\n", 5, true } do
      assert.truthy(message(method, "/x"):find('client:request: method must be a string such as "GET"', 1, true))
    end
    for _, path in ipairs { "", "x", "https://elsewhere/x", "/a b", "/a?b=c", "/a#b", "/a\r\nX: y", "/a\0", 5, true } do
      assert.truthy(message("GET", path):find("client:request: path must be a string that begins with /", 1, true))
    end
    assert.truthy(message("GET"):find("path must be a string", 1, true))
    assert.truthy(message("GET", "/x", 5):find("a table of options expected, got number", 1, true))
    assert.truthy(message("GET", "/x", { query = "a=b" }):find('"query" must be a table', 1, true))
    assert.truthy(message("POST", "/x", { body = 5 }):find('"body" must be a table or a string', 1, true))
    assert.truthy(message("POST", "/x", { body = { print } }):find('option "body" cannot be sent as JSON', 1, true))
    assert.truthy(message("POST", "/x", { body = { n = 0 / 0 } }):find('option "body" cannot be sent as JSON', 1, true))
    assert.truthy(message("POST", "/x", { boddy = {} }):find('did you mean "body"?', 1, true))
    assert.truthy(message("POST", "/x", { timeout = 0 }):find('"timeout" must be a number of seconds', 1, true))
    assert.equal(0, p.connections)
  end)

  it("sends each header once: the call's instead of the client's, and that instead of the library's", function()
    local other = running.responding("200 OK", nil, '{"data":[],"pagination":{}}')
    local client = apivideo.client { api_key = "k-k-k-k", base_url = other.url, retries = 0,
      headers = { ["X-Tenant"] = "client", Accept = "application/vnd.x+json" } }
    assert(client.webhooks:list())
    assert(client.webhooks:list(nil, { headers = { ["x-tenant"] = "call", accept = "text/json" } }))
    assert.same({ "client" }, peer.values(other.requests[1], "x-tenant"))
    assert.same({ "application/vnd.x+json" }, peer.values(other.requests[1], "accept"))
    assert.same({ "call" }, peer.values(other.requests[2], "x-tenant"))
    assert.same({ "text/json" }, peer.values(other.requests[2], "accept"))
  end)

  it("sends a POST without a body with an empty one, and integers without a fraction", function()
    local other = running.responding("202 Accepted")
    local client = apivideo.client { api_key = "k-k-k-k", base_url = other.url, retries = 0 }
    for _, method in ipairs { "POST", "PUT", "PATCH" } do
      local result, _, response = client:request(method, "/x", { query = { n = math.maxinteger or 2 ^ 53 } })
      assert.is_true(result)
      assert.equal(1, response.attempts)
    end
    for _, request in ipairs(other.requests) do
      assert.same({ "0" }, peer.values(request, "content-length"))
      assert.same({}, peer.values(request, "content-type"))
      assert.truthy(request.line:find(math.maxinteger and "n=9223372036854775807 " or "n=9007199254740992 ", 1, true))
    end
  end)

  it("rejects empty queries, and values that are not text", function()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:1", retries = 0 }
    for _, value in ipairs { {}, print, apivideo.null, 0 / 0, 1 / 0, { {} } } do
      local message = misuse(function() return (client:request("GET", "/x", { query = { name = value } })) end)
      assert.truthy(message:find('option "query": name', 1, true), message)
    end
  end)

  it("explains a call with a dot", function()
    local client = apivideo.client { api_key = "k", base_url = "http://127.0.0.1:1" }
    local message = misuse(function() return (client.request("GET", "/x")) end)
    assert.truthy(message:find("call it with a colon", 1, true), message)
  end)
end)
