/*
** lookup.h: the addresses of a host name. The system's getaddrinfo may block for many seconds, so a name is looked up in
** a thread. (A numeric address needs no thread.) The thread and the one that asked share the result, and the last of
** them to release it frees it: a connection can be closed before its lookup has ended.
*/
#ifndef APIVIDEO_REDIS_LOOKUP_H
#define APIVIDEO_REDIS_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>

typedef struct lookup lookup;

/* Starts a lookup of the TCP addresses of a host. Returns NULL, with `problem` set, on failure. */
lookup *lookup_start(const char *host, unsigned port, const char **problem);
/* A descriptor that is readable once the lookup has ended. */
int lookup_fd(const lookup *self);
/* Whether it has ended. */
bool lookup_has_ended(const lookup *self);
/* The addresses, which belong to the lookup; or NULL, with `problem` set. For one that has ended. */
const struct addrinfo *lookup_addresses(const lookup *self, const char **problem);
/* Must be called once. */
void lookup_release(lookup *self);

#endif
