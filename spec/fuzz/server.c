/*
** Fuzz target: the bytes that a client sends to the server. libmicrohttpd gets one end of a pair of sockets as a
** connection; server.lua writes the input to the other end.
*/
#include "../../src/server/server_internal.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state.h"

int luaopen_apivideo_server_core(lua_State *L);

static lua_State *state;
static int client = -1; /* our end of the latest connection */

static void close_client(void) {
  if (client >= 0) (void)close(client);
  client = -1;
}

/* connect(server): a new connection; an earlier one is closed. Stack: [-0, +0, v]. */
static int client_connect(lua_State *L) {
  server *self = luaL_checkudata(L, 1, "apivideo.server");
  struct sockaddr_in address;
  int pair[2];
  close_client();
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  client = pair[0];
  (void)MHD_add_connection(self->daemon, pair[1], (struct sockaddr *)&address, sizeof address);
  return 0;
}

/* send(bytes): as many as the socket accepts. Stack: [-0, +0, v]. */
static int client_send(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  if (client >= 0) (void)send(client, bytes, length, MSG_NOSIGNAL);
  return 0;
}

/* receive() -> the bytes that the server has sent since the last call. Stack: [-0, +1, m]. */
static int client_receive(lua_State *L) {
  char bytes[16384];
  const ssize_t count = client < 0 ? 0 : recv(client, bytes, sizeof bytes, 0);
  lua_pushlstring(L, bytes, count > 0 ? (size_t)count : 0);
  return 1;
}

/* close(). Stack: [-0, +0, -]. */
static int client_close(lua_State *L) {
  (void)L;
  close_client();
  return 0;
}

/* Pushes the module: { connect, send, receive, close }. Stack: [-0, +1, v]. */
static int open_client(lua_State *L) {
  static const luaL_Reg functions[] = {{"connect", client_connect},
                                       {"send", client_send},
                                       {"receive", client_receive},
                                       {"close", client_close},
                                       {NULL, NULL}};
  luaL_requiref(L, "apivideo.server.core", luaopen_apivideo_server_core, 0);
  luaL_newlib(L, functions);
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  state = fuzz_open("spec/fuzz/server.lua", "client", open_client);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_run(state, data, size);
  return 0;
}
