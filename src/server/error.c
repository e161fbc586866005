/*
** The last error of a server: see error.h.
*/
#include "error.h"

#include <stdio.h>
#include <string.h>

bool server_fail(server *self, const char *context, const char *reason) {
  (void)snprintf(self->error, sizeof self->error, "%s: %s", context, reason);
  return false;
}

bool server_fail_with(server *self, const char *context, int code) {
  return server_fail(self, context, code == 0 ? "the system reported no reason" : strerror(code));
}

const char *server_error(const server *self) {
  return self->error;
}
