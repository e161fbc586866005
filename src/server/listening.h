/*
** listening.h: the port, and who is let in.
*/
#ifndef APIVIDEO_LISTENING_H
#define APIVIDEO_LISTENING_H

#include "server.h"

/* Connections taken in one go; so many more than there may be can exist, ended but not closed yet. */
#define ACCEPT_MAX 16

/* Opens the port; false with a message in `error`. */
bool listening_open(server *self, const server_options *options);
/* Accepts those who wait, as far as there is room. When there is none, those that have waited longest
   without a whole request go to make it. */
void listening_accept(server *self);
/* Whether newcomers were kept waiting and need not any more. */
bool listening_has_room(const server *self);
/* Closes the port. */
void listening_close(server *self);

#endif
