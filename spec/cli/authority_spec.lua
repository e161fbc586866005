local authority = require "apivideo.cli.authority"

describe("cli.authority", function()
  it("accepts hosts and ports that can exist", function()
    for _, text in ipairs { "localhost", "LOCALHOST:8080", "a_b.example", "a-b.example.", "127.0.0.1:1", "127.1",
      "0x7f.1",
      "2130706433", "[::1]", "[::1]:65535", "[fe80::1%25eth0]:80", "[::ffff:127.0.0.1]", "u:p@h:1", "münchen.example",
      "1e100.net", "x:", ("a"):rep(63) .. ".b", "3.example" } do
      assert.is_nil(authority.problem(text), text)
    end
  end)

  it("says what is wrong with others", function()
    for text, expected in pairs {
      ["127.0.0.1:99999"] = "must have a port from 1 to 65535 after the host",
      ["h:0"] = "must have a port from 1 to 65535 after the host",
      ["h:http"] = "must have a port from 1 to 65535 after the host",
      ["a:80:80"] = "must have a port from 1 to 65535 after the host",
      ["[::1]80"] = "must have a port from 1 to 65535 after the host",
      [":80"] = "must name a host",
      ["u:p@"] = "must name a host",
      ["a..b"] = "has a host with an empty part: 'a..b'",
      [".a"] = "has a host with an empty part: '.a'",
      ["."] = "has a host with an empty part: '.'",
      ["ex%ample"] = "has a host with '%', which no host can have",
      ["a<b"] = "has a host with '<', which no host can have",
      ["a\\b"] = "has a host with '\\', which no host can have",
      ["[::1"] = "has no IPv6 address between the brackets of '[::1'",
      ["[zz::]"] = "has no IPv6 address between the brackets of '[zz::]'",
      ["[1.2.3.4]"] = "has no IPv6 address between the brackets of '[1.2.3.4]'",
      ["256.1.1.1"] = "has a host that looks like an IPv4 address, but is not one: '256.1.1.1'",
      ["1.2.3.4.5"] = "has a host that looks like an IPv4 address, but is not one: '1.2.3.4.5'",
      ["example.5"] = "has a host that looks like an IPv4 address, but is not one: 'example.5'",
      ["4294967296"] = "has a host that looks like an IPv4 address, but is not one: '4294967296'",
      [("a"):rep(64) .. ".b"] = "has a host with a part of more than 63 bytes",
      [("a."):rep(127) .. "b"] = "has a host of more than 253 bytes",
    } do
      assert.equal(expected, authority.problem(text))
    end
  end)
end)
