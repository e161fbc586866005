/*
** apivideo.cli.core: what the command asks about its terminal. A module of its own without a library, because the
** dynamic linker needs more instructions for the libcrypto of apivideo.core than Lua does for all modules of
** `apivideo --help`, except argparse.
*/
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../common/lua_aux.h"

/* The descriptor at index 1. Stack: [-0, +0, v]. */
static int check_descriptor(lua_State *L) {
  return (int)aux_check_integer(L, 1, 0, INT_MAX);
}

/* is_terminal(fd) -> whether a descriptor of this process is a terminal. Stack: [-0, +1, v]. */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty(check_descriptor(L)));
  return 1;
}

/* terminal_columns(fd) -> the width of a terminal; nil if the descriptor is not a terminal, or its width is unknown: a
   serial line reports 0. Stack: [-0, +1, v]. */
static int terminal_columns(lua_State *L) {
  struct winsize size;
  if (ioctl(check_descriptor(L), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    lua_pushinteger(L, size.ws_col);
  else
    lua_pushnil(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"is_terminal", is_terminal}, {"terminal_columns", terminal_columns}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_cli_core(lua_State *L);

/* Pushes the module: { is_terminal, terminal_columns }. Stack: [-0, +1, m]. */
int luaopen_apivideo_cli_core(lua_State *L) {
  lua_newtable(L);
  compat_setfuncs(L, functions);
  return 1;
}
