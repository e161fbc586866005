/*
** The parser of a server's replies: see replies.h.
*/
#include "replies.h"

#include <assert.h>

#define ELEMENTS_MAX ((size_t)1 << 20)
#define NESTED_MAX 7 /* also the limit of hiredis before 1.0 */

/* The number of arrays that contain the value of a task. */
static int depth_of(const redisReadTask *task) {
  int depth = 0;
  while (depth <= NESTED_MAX && task->parent != NULL) {
    depth++;
    task = task->parent;
  }
  return depth;
}

/* The reader's function that creates an array, under the limit. NULL makes the reader fail. */
static void *create_array(const redisReadTask *task, compat_hiredis_count count) {
  replies *const self = task->privdata;
  assert(self->elements <= ELEMENTS_MAX);
  if ((size_t)count > ELEMENTS_MAX - self->elements)
    self->problem = "the reply has too many elements";
  else if (depth_of(task) > NESTED_MAX)
    self->problem = "the reply has arrays that are nested too deeply";
  if (self->problem != NULL) return NULL;
  self->elements += (size_t)count;
  return self->create_array(task, count);
}

bool replies_open(replies *self, size_t bytes_max) {
  self->bytes_max = bytes_max;
  self->reader = redisReaderCreate();
  if (self->reader == NULL) return false;
  self->functions = *self->reader->fn;
  self->create_array = self->functions.createArray;
  self->functions.createArray = create_array;
  self->reader->fn = &self->functions;
  self->reader->privdata = self;
  return true;
}

void replies_close(replies *self) {
  if (self->reader != NULL) redisReaderFree(self->reader);
  self->reader = NULL;
}

const char *replies_feed(replies *self, const char *bytes, size_t len) {
  if (len > self->bytes_max - self->bytes) return "the reply is too large";
  self->bytes += len;
  if (redisReaderFeed(self->reader, bytes, len) != REDIS_OK) return self->reader->errstr;
  return NULL;
}

const char *replies_next(replies *self, redisReply **reply) {
  void *next = NULL;
  *reply = NULL;
  if (redisReaderGetReply(self->reader, &next) != REDIS_OK)
    return self->problem != NULL ? self->problem : self->reader->errstr;
  if (next == NULL) return NULL;
  *reply = next;
  self->elements = 0;
  self->bytes = self->reader->len - self->reader->pos;
  return NULL;
}

bool replies_is_partial(const replies *self) {
  return self->bytes > 0;
}
