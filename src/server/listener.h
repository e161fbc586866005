#ifndef APIVIDEO_LISTENER_H
#define APIVIDEO_LISTENER_H

#include <stddef.h>

/*
** Opens a socket that listens on an IP address, or on "localhost", which is 127.0.0.1. Port 0 takes
** a free one. The caller owns the descriptor; -1 and a message in `error` when it cannot be.
*/
int listener_open(const char *host, unsigned port, char *error, size_t size);

/* The port a listening socket has, or 0. */
unsigned listener_port(int fd);

#endif
