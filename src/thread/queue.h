/*
** queue.h: the requests to a thread and their results, in order.
**
** A message belongs to one side at a time: to its sender until queue_send, then to the thread, and to the taker from
** queue_take on. A request and its result are counted until the result has been taken, so a sender that takes nothing
** fills the queue, and its memory is bounded.
*/
#ifndef APIVIDEO_THREAD_QUEUE_H
#define APIVIDEO_THREAD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the bytes of a result are. */
typedef enum message_kind {
  MESSAGE_RETURNED, /* the results of the handler; in a request: its arguments */
  MESSAGE_RAISED,   /* the text of an error */
  MESSAGE_NO_MEMORY /* no bytes: memory was exhausted */
} message_kind;

typedef struct message {
  struct message *next;
  uint64_t id; /* of the request; its result has the same */
  message_kind kind;
  size_t count; /* the number of values */
  size_t len;   /* of `bytes` */
  unsigned char bytes[];
} message;

typedef struct message_list {
  message *first, *last;
} message_list;

typedef struct queue {
  pthread_mutex_t mutex; /* protects all that follows */
  pthread_cond_t has_request, has_result;
  message_list requests, results;
  size_t pending;     /* requests whose results have not been taken */
  size_t pending_max; /* how many there may be */
  size_t bytes;       /* of the requests that the thread has not begun */
  size_t bytes_max;   /* how many there may be, unless there is only one request */
  uint64_t last_id;
  bool is_closing; /* no request follows */
  bool is_waiting; /* the owner is in queue_wait */
  int ends
      [2]; /* a pipe, which has a byte soon after there is a result; the byte may stay until the next queue_take */
} queue;

/* Initializes a queue. Returns an error number, or 0. */
int queue_open(queue *self, size_t pending_max, size_t bytes_max);
/* Frees the messages. The thread must have ended. */
void queue_destroy(queue *self);

/* Adds a request, and sets its id. Returns false, and the message stays the caller's, if the queue is full. */
bool queue_send(queue *self, message *request);
/* Returns the next result; NULL if no request has ended. Never waits. */
message *queue_take(queue *self);
/* Blocks until there is a result, or no request is pending. */
void queue_wait(queue *self);
/* The thread ends after the requests that it has. */
void queue_close(queue *self);

/* For the thread. Blocks until there is a request; NULL at the end. */
message *queue_next(queue *self);
/* For the thread. Adds the result of the request that queue_next returned. */
void queue_finish(queue *self, message *result);

#endif
