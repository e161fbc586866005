/*
** The versions of the libraries: see http_versions_lua.h.
*/
#include "http_versions_lua.h"

#include "../common/compat_curl.h"
#include "../common/compat_openssl.h"

/* Sets a field of the table on top of the stack; NULL sets nothing. Stack: [-0, +0, m]. */
static void set_text(lua_State *L, const char *name, const char *text) {
  if (text == NULL) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* libraries() -> { libcurl, tls, openssl, ca_file }: versions; `tls` is libcurl's own TLS library, which may be another
   one than `openssl`; `ca_file` is the file of certificates that libcurl was built with, nil if unknown.
   Stack: [-0, +1, m]. */
static int libraries(lua_State *L) {
  const curl_version_info_data *const curl = curl_version_info(CURLVERSION_NOW);
  lua_createtable(L, 0, 4);
  set_text(L, "libcurl", curl->version);
  set_text(L, "tls", curl->ssl_version);
  set_text(L, "openssl", OpenSSL_version(OPENSSL_VERSION));
  set_text(L, "ca_file", compat_curl_cainfo(curl));
  return 1;
}

static const luaL_Reg functions[] = {{"libraries", libraries}, {NULL, NULL}};

void http_versions_add(lua_State *L) {
  compat_setfuncs(L, functions);
}
