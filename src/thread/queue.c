/*
** The requests to a thread and their results: see queue.h.
*/
#include "queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/descriptors.h"

static void append(message_list *list, message *added) {
  added->next = NULL;
  if (list->last != NULL) list->last->next = added;
  if (list->first == NULL) list->first = added;
  list->last = added;
}

static message *remove_first(message_list *list) {
  message *const first = list->first;
  if (first == NULL) return NULL;
  list->first = first->next;
  if (list->first == NULL) list->last = NULL;
  return first;
}

static void free_all(message_list *list) {
  message *each;
  while ((each = remove_first(list)) != NULL) free(each);
}

int queue_open(queue *self, size_t pending_max, size_t bytes_max) {
  memset(self, 0, sizeof *self);
  self->pending_max = pending_max;
  self->bytes_max = bytes_max;
  descriptors_fill();
  if (!descriptors_pipe(self->ends)) return errno;
  (void)pthread_mutex_init(&self->mutex, NULL); /* with NULL, these do not fail */
  (void)pthread_cond_init(&self->has_request, NULL);
  (void)pthread_cond_init(&self->has_result, NULL);
  return 0;
}

void queue_destroy(queue *self) {
  free_all(&self->requests);
  free_all(&self->results);
  (void)pthread_cond_destroy(&self->has_result);
  (void)pthread_cond_destroy(&self->has_request);
  (void)pthread_mutex_destroy(&self->mutex);
  (void)close(self->ends[0]);
  (void)close(self->ends[1]);
}

/* Whether there is room for one more request. */
static bool has_room(const queue *self, const message *request) {
  if (self->pending >= self->pending_max) return false;
  return self->requests.first == NULL || request->len <= self->bytes_max - self->bytes;
}

bool queue_send(queue *self, message *request) {
  bool is_sent;
  (void)pthread_mutex_lock(&self->mutex);
  assert(!self->is_closing);
  is_sent = has_room(self, request);
  if (is_sent) {
    request->id = ++self->last_id;
    self->pending++;
    self->bytes += request->len;
    append(&self->requests, request);
  }
  (void)pthread_mutex_unlock(&self->mutex);
  /* After the unlock: the thread would wake up only to wait for the mutex. */
  if (is_sent) (void)pthread_cond_signal(&self->has_request);
  return is_sent;
}

message *queue_take(queue *self) {
  message *result;
  char bytes[16];
  (void)pthread_mutex_lock(&self->mutex);
  result = remove_first(&self->results);
  if (result != NULL) self->pending--;
  /* Before the unlock: afterwards there may be a new byte, for a new result. */
  if (self->results.first == NULL) (void)read(self->ends[0], bytes, sizeof bytes);
  (void)pthread_mutex_unlock(&self->mutex);
  return result;
}

void queue_wait(queue *self) {
  (void)pthread_mutex_lock(&self->mutex);
  self->is_waiting = true;
  while (self->results.first == NULL && self->pending > 0)
    (void)pthread_cond_wait(&self->has_result, &self->mutex);
  self->is_waiting = false;
  (void)pthread_mutex_unlock(&self->mutex);
}

void queue_close(queue *self) {
  (void)pthread_mutex_lock(&self->mutex);
  self->is_closing = true;
  (void)pthread_cond_signal(&self->has_request);
  (void)pthread_mutex_unlock(&self->mutex);
}

message *queue_next(queue *self) {
  message *request;
  (void)pthread_mutex_lock(&self->mutex);
  while (self->requests.first == NULL && !self->is_closing)
    (void)pthread_cond_wait(&self->has_request, &self->mutex);
  request = remove_first(&self->requests);
  if (request != NULL) self->bytes -= request->len;
  (void)pthread_mutex_unlock(&self->mutex);
  return request;
}

void queue_finish(queue *self, message *result) {
  bool is_first, is_awaited;
  (void)pthread_mutex_lock(&self->mutex);
  assert(self->pending > 0);
  is_first = self->results.first == NULL;
  is_awaited = self->is_waiting;
  append(&self->results, result);
  (void)pthread_mutex_unlock(&self->mutex);
  if (is_awaited) (void)pthread_cond_signal(&self->has_result);
  if (is_first) (void)write(self->ends[1], "", 1);
}
