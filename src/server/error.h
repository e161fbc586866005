/*
** error.h: the last error of a server.
*/
#ifndef APIVIDEO_SERVER_ERROR_H
#define APIVIDEO_SERVER_ERROR_H

#include "server_internal.h"

/* Sets the error to "context: reason"; returns false. */
bool server_fail(server *self, const char *context, const char *reason);
/* The same with the text of an errno; 0: the reason is unknown. */
bool server_fail_with(server *self, const char *context, int code);

#endif
