/*
** descriptors.h: descriptors that never block, and that programs started by this process do not inherit. On systems
** that cannot set both when a descriptor is opened (macOS), a program that another thread starts at that moment may
** inherit it.
*/
#ifndef APIVIDEO_DESCRIPTORS_H
#define APIVIDEO_DESCRIPTORS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Opens /dev/null in place of each of the descriptors 0 to 2 that is closed. Must be called before any other
   descriptor is opened: a socket would get the number of the closed one, and printed text would be sent to its peer,
   or end the process by SIGPIPE. Like 0 to 2 themselves, it stays open. */
void descriptors_fill(void);

/* Opens a pipe: ends[0] to read, ends[1] to write. Returns false, with errno, on failure. */
bool descriptors_pipe(int ends[2]);
/* Opens a TCP socket of an address family. Returns -1, with errno, on failure. */
int descriptors_socket(int family);
/* Accepts a connection, with its peer's address. Returns -1, with errno, on failure. */
int descriptors_accept(int listening, struct sockaddr *address, socklen_t *len);

#endif
