/*
** thread.h: a thread with a Lua state of its own, which calls a handler (a function, which a Lua module returns) with
** the arguments of each request, one after the other.
**
** Only the thread uses its Lua state. The owner and the thread share the queue, and the names, which do not change.
*/
#ifndef APIVIDEO_THREAD_THREAD_H
#define APIVIDEO_THREAD_THREAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "queue.h"

typedef struct thread {
  bool is_open;    /* the queue exists */
  bool is_running; /* the thread has not been joined */
  pid_t pid;       /* of the process that started it */
  pthread_t pthread;
  char *names; /* of the module, package.path and package.cpath, each with its NUL */
  queue queue;
} thread;

/* Starts a thread in a structure that is zeroed. It handles no signal of the process. Returns an error number, or 0. */
int thread_start(thread *self, const char *const names[3], size_t pending_max, size_t bytes_max);

/* Whether this process started the thread: a forked child does not have it, and must not use its queue, whose mutex
   may be locked. */
bool thread_is_ours(const thread *self);

/* Waits until the thread has handled the requests that it has, and has ended. The results stay in the queue. */
void thread_join(thread *self);

/* Joins the thread, and frees all. In a forked child: closes the descriptors only. May be called again. */
void thread_close(thread *self);

#endif
