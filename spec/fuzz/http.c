/*
** Fuzz target: the bytes that a peer sends to the client. This file replaces the network: a connection of libcurl is
** one end of a pair of sockets, and http.lua writes the input to the other end.
*/
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state.h"

static lua_State *state;
static int peer = -1;   /* our end of the latest connection */
static int connections; /* opened since the last call of connections() */

static void close_peer(void) {
  if (peer >= 0) (void)close(peer);
  peer = -1;
}

/* Replaces the C library's function: libcurl's socket becomes one end of a pair. Closes the earlier connection. */
__attribute__((visibility("default"))) int connect(int fd, __CONST_SOCKADDR_ARG address,
                                                   socklen_t len) {
  int pair[2];
  (void)address;
  (void)len;
  close_peer();
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  FUZZ_CHECK(dup2(pair[0], fd) == fd);
  (void)close(pair[0]);
  peer = pair[1];
  connections++;
  return 0;
}

/* connections() -> the number of connections opened since the last call. Stack: [-0, +1, -]. */
static int peer_connections(lua_State *L) {
  lua_pushinteger(L, connections);
  connections = 0;
  return 1;
}

/* receive() -> the bytes that the client has sent. Stack: [-0, +1, m]. */
static int peer_receive(lua_State *L) {
  char bytes[16384];
  const ssize_t count = peer < 0 ? 0 : recv(peer, bytes, sizeof bytes, 0);
  lua_pushlstring(L, bytes, count > 0 ? (size_t)count : 0);
  return 1;
}

/* send(bytes): sends as many as the socket accepts. Stack: [-0, +0, v]. */
static int peer_send(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  if (peer >= 0) (void)send(peer, bytes, len, MSG_NOSIGNAL);
  return 0;
}

/* close(): closes the connection. Stack: [-0, +0, -]. */
static int peer_close(lua_State *L) {
  (void)L;
  close_peer();
  return 0;
}

/* Pushes the module: { connections, receive, send, close }. Stack: [-0, +1, m]. */
static int open_peer(lua_State *L) {
  static const luaL_Reg functions[] = {{"connections", peer_connections},
                                       {"receive", peer_receive},
                                       {"send", peer_send},
                                       {"close", peer_close},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* once, not with each pool */
  state = fuzz_open("spec/fuzz/http.lua", "peer", open_peer);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_run(state, data, size);
  return 0;
}
