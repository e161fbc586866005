#ifndef APIVIDEO_LINGER_H
#define APIVIDEO_LINGER_H

#include <stdint.h>

#define LINGER_MAX 64

/*
** Sockets whose request was refused before its body had come. Closing one at once would reset the
** connection, and the reset would destroy the answer before the client has read it: so what the
** client still sends is read and dropped for a while. All zero: none.
*/
typedef struct {
  int count;
  struct {
    int fd;
    uint64_t deadline;
  } sockets[LINGER_MAX]; /* the oldest first */
} linger;

/* Keeps a duplicate of `fd` for a while, and lets `epoll` wake for it. */
void linger_add(linger *self, int epoll, int fd, uint64_t now);

/* Reads what has come, and closes what is over. */
void linger_run(linger *self, uint64_t now);

/* When the next one is over, or UINT64_MAX. */
uint64_t linger_deadline(const linger *self);

/* Closes all. May be called again. */
void linger_close(linger *self);

#endif
