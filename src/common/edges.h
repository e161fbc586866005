/*
** edges.h: a set of descriptors that reports each change to ready once (edge-triggered epoll). So a thread can wait for
** the descriptors of another one: it need neither read from them, nor know what each is for.
**
** A descriptor that stays ready is not reported again. The thread that uses it must therefore continue until it is no
** longer ready; what becomes ready after that is reported. Closing a descriptor removes it.
*/
#ifndef APIVIDEO_EDGES_H
#define APIVIDEO_EDGES_H

#include <stdbool.h>

/* Opens a set. Returns its descriptor; -1, with errno, on failure: on systems without epoll (ENOSYS), always. */
int edges_open(void);
/* Adds a descriptor, which may be in the set, to be reported when it becomes readable, and when it becomes writable if
   `also_write`. Returns false, with errno, on failure: EPERM for a regular file. */
bool edges_add(int set, int fd, bool also_write);
/* Removes a descriptor, if it is in the set. */
void edges_remove(int set, int fd);
/* Waits until a descriptor of the set has become ready. Returns false when `stop`, one of them, is among these, and after
   a failure. */
bool edges_wait(int set, int stop);

#endif
