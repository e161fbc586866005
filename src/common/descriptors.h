#ifndef APIVIDEO_DESCRIPTORS_H
#define APIVIDEO_DESCRIPTORS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
** Descriptors that programs started by this process do not inherit, and that never block. Where the system sets
** neither as it opens one (macOS), a program that another thread starts meanwhile may inherit it.
*/

/*
** Opens /dev/null in place of each of the descriptors 0 to 2 that is closed: to be called before anything
** else is opened. A socket would get the number otherwise, and what is printed would be sent to a peer, or
** end the process by SIGPIPE. Like 0 to 2 themselves, it stays open.
*/
void descriptors_fill(void);

/* Opens a pipe: ends[0] to read, ends[1] to write; false with errno. */
bool descriptors_pipe(int ends[2]);
/* Opens a TCP socket of an address family; -1 with errno. */
int descriptors_socket(int family);
/* Accepts a connection, with its peer's address; -1 with errno. */
int descriptors_accept(int listening, struct sockaddr *address, socklen_t *len);

#endif
