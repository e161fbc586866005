/*
** Functions of apivideo.core about this process and files: see system_lua.h.
**
** No function opens a file that exists: closing it would release the process's POSIX locks on that file. None starts a
** program, either: during `system`, a process ignores SIGINT, and a Ctrl-C would be lost.
*/
#include "system_lua.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../common/compat_system.h"
#include "../common/lua_aux.h"

#define MODE_BITS 07777 /* permissions, setuid, setgid, sticky */
#define USER_BYTES 4096 /* of an entry of the user database */

/* Pushes nil and the system's message for a path. Stack: [-0, +2, m]. */
static int push_problem(lua_State *L, const char *path, int problem) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, strerror(problem));
  return 2;
}

/* process_id() -> the id of this process: an object that was opened under another id was inherited by fork.
   Stack: [-0, +1, -]. */
static int process_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)getpid());
  return 1;
}

/* process_exists(id) -> whether a process has this id. Stack: [-0, +1, v]. */
static int process_exists(lua_State *L) {
  const int id = (int)aux_check_integer(L, 1, 1, INT_MAX);
  lua_pushboolean(L, kill((pid_t)id, 0) == 0 || errno == EPERM);
  return 1;
}

/* Pushes true, or nil and why a path could not be created. Stack: [-0, +1|2, m]. */
static int push_created(lua_State *L, const char *path, bool is_created) {
  const int problem = errno;
  if (is_created) {
    lua_pushboolean(L, true);
    return 1;
  }
  return push_problem(L, path, problem);
}

/* create_file(path) -> true | nil, message. The file is empty, and only its owner can use it, whatever the umask; it must
   not exist. Stack: [-0, +1|2, v]. */
static int create_file(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  const bool is_private = fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0;
  const int problem = errno;
  if (fd >= 0) (void)close(fd);
  errno = problem;
  return push_created(L, path, is_private);
}

/* create_directory(path) -> true | nil, message. Only its owner can use it; it must not exist. Stack: [-0, +1|2, v]. */
static int create_directory(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  return push_created(L, path, mkdir(path, S_IRWXU) == 0);
}

/* file_id(path) -> a string that is equal for two paths of the same file; nil if the file does not exist or cannot be
   examined. Stack: [-0, +1, v]. */
static int file_id(lua_State *L) {
  struct stat status;
  char id[64];
  if (stat(luaL_checkstring(L, 1), &status) != 0) {
    lua_pushnil(L);
    return 1;
  }
  (void)snprintf(id, sizeof id, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
  lua_pushstring(L, id);
  return 1;
}

/* file_mode(path) -> mode bits, whether the owner is the effective user, whether it is a regular file | nil, message,
   errno. Follows symbolic links. Stack: [-0, +3, v]. */
static int file_mode(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  struct stat status;
  if (stat(path, &status) != 0) {
    const int problem = errno;
    (void)push_problem(L, path, problem);
    lua_pushinteger(L, problem);
    return 3;
  }
  lua_pushinteger(L, (lua_Integer)(status.st_mode & MODE_BITS));
  lua_pushboolean(L, status.st_uid == geteuid());
  lua_pushboolean(L, S_ISREG(status.st_mode));
  return 3;
}

/* free_bytes(path) -> the bytes that an unprivileged process can still write to the file system of a path, as a number |
   nil, message. Stack: [-0, +1|2, v]. */
static int free_bytes(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  struct statvfs status;
  if (statvfs(path, &status) != 0) return push_problem(L, path, errno);
  lua_pushnumber(L, (lua_Number)status.f_bavail * (lua_Number)status.f_frsize);
  return 1;
}

/* real_path(path) -> the absolute path without symbolic links | nil, message. Stack: [-0, +1|2, v]. */
static int real_path(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  char resolved[PATH_MAX];
  if (realpath(path, resolved) == NULL) return push_problem(L, path, errno);
  lua_pushstring(L, resolved);
  return 1;
}

/* Pushes the name of a user; its number, if it has no name. Stack: [-0, +1, m]. */
static void push_user(lua_State *L, uid_t id) {
  char buffer[USER_BYTES];
  struct passwd entry, *found = NULL;
  if (getpwuid_r(id, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    lua_pushstring(L, found->pw_name);
  else
    lua_pushfstring(L, "%d", (int)id);
}

/* user() -> the name of the effective user of this process. Stack: [-0, +1, m]. */
static int user(lua_State *L) {
  push_user(L, geteuid());
  return 1;
}

/* owner(path) -> the name of the user that a file belongs to | nil, message. Stack: [-0, +1|2, v]. */
static int owner(lua_State *L) {
  const char *const path = luaL_checkstring(L, 1);
  struct stat status;
  if (stat(path, &status) != 0) return push_problem(L, path, errno);
  push_user(L, status.st_uid);
  return 1;
}

/* is_directory(path) -> whether it exists and is one. Stack: [-0, +1, v]. */
static int is_directory(lua_State *L) {
  struct stat status;
  lua_pushboolean(L, stat(luaL_checkstring(L, 1), &status) == 0 && S_ISDIR(status.st_mode));
  return 1;
}

/* network_file_system(path) -> the name of the kind, if the path is on a file system that other machines may use, or
   whose locks and shared memory depend on a program; otherwise nil. Stack: [-0, +1, v]. */
static int network_file_system(lua_State *L) {
  const char *const name = compat_network_file_system(luaL_checkstring(L, 1));
  if (name != NULL)
    lua_pushstring(L, name);
  else
    lua_pushnil(L);
  return 1;
}

static const luaL_Reg functions[] = {{"process_id", process_id},
                                     {"process_exists", process_exists},
                                     {"create_file", create_file},
                                     {"create_directory", create_directory},
                                     {"file_id", file_id},
                                     {"file_mode", file_mode},
                                     {"free_bytes", free_bytes},
                                     {"real_path", real_path},
                                     {"user", user},
                                     {"owner", owner},
                                     {"is_directory", is_directory},
                                     {"network_file_system", network_file_system},
                                     {NULL, NULL}};

void system_add(lua_State *L) {
  compat_setfuncs(L, functions);
}
