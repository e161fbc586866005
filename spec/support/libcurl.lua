--- The libcurl that the specs run with, which may be older or newer than the headers. The only place that skips specs
--- by libcurl's version.

local compile = require "spec.support.compile"
local is_below = require "spec.support.is_below"

local SOURCE = [[
#include <curl/curl.h>
#include <stdio.h>
int main(void) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  printf("%s %s\n", info->version, info->ares != NULL ? "c-ares" : "threads");
  return 0;
}
]]

local libcurl = {}

-- Asks once in a run: the version, such as "7.88.1", and how names are looked up.
local function info()
  if not libcurl.version then
    local program = os.tmpname()
    compile.c(SOURCE, program .. ".out", "$(pkg-config --cflags --libs libcurl)")
    libcurl.version, libcurl.resolver = compile.run(program .. ".out"):match "^(%S+) (%S+)"
    compile.run(("rm %s %s.out*"):format(program, program))
  end
  return libcurl.version, libcurl.resolver
end

--- Leaves the calling spec out with an older libcurl.
---@param pending fun(reason: string) busted's, of the calling spec
---@param version string the first one that suffices
---@param reason string what it does, as in "says exactly what was sent"
function libcurl.needs(pending, version, reason)
  local found = info()
  if is_below(found, version) then
    pending(("libcurl %s or newer %s; this is %s"):format(version, reason, found))
  end
end

--- Whether the libcurl is of a version, or newer.
---@param version string
---@return boolean
function libcurl.has(version)
  return not is_below(info(), version)
end

--- Leaves the calling spec out with a libcurl that looks names up with c-ares.
---@param pending fun(reason: string)
---@param reason string
function libcurl.needs_threads(pending, reason)
  local _, resolver = info()
  if resolver == "c-ares" then pending("libcurl with a resolver thread " .. reason) end
end

return libcurl
