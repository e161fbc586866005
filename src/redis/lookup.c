/*
** The addresses of a host name: see lookup.h.
*/
#include "lookup.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/descriptors.h"

struct lookup {
  int holders; /* that have not released it: the caller, and the thread */
  int ends[2]; /* a pipe; the thread writes a byte to ends[1] when the result is complete */
  int code;    /* the result of getaddrinfo */
  int error;   /* errno, for the code EAI_SYSTEM */
  struct addrinfo *addresses;
  char port[8];
  char host[]; /* the name, with its NUL */
};

void lookup_release(lookup *self) {
  if (__sync_sub_and_fetch(&self->holders, 1) > 0) return;
  if (self->addresses != NULL) freeaddrinfo(self->addresses);
  if (self->ends[0] >= 0) (void)close(self->ends[0]);
  if (self->ends[1] >= 0) (void)close(self->ends[1]);
  free(self);
}

/* Looks the name up now. */
static void find(lookup *self, int flags) {
  struct addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  self->code = getaddrinfo(self->host, self->port, &hints, &self->addresses);
  self->error = errno;
  if (self->code != 0) self->addresses = NULL;
}

/* The thread. */
static void *run(void *argument) {
  lookup *const self = argument;
  ssize_t written;
  find(self, 0);
  do { written = write(self->ends[1], "", 1); } while (written < 0 && errno == EINTR);
  lookup_release(self);
  return NULL;
}

/* Starts the thread, which handles no signal of the process. Returns an error number, or 0. */
static int start_thread(lookup *self) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  int problem = pthread_attr_init(&attributes);
  if (problem != 0) return problem;
  (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  self->holders = 2;
  problem = pthread_create(&thread, &attributes, run, self);
  if (problem != 0) self->holders = 1;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attributes);
  return problem;
}

lookup *lookup_start(const char *host, unsigned port, const char **problem) {
  const size_t size = strlen(host) + 1;
  lookup *const self = calloc(1, sizeof *self + size);
  int error = ENOMEM;
  if (self != NULL) {
    self->holders = 1;
    self->ends[0] = self->ends[1] = -1;
    memcpy(self->host, host, size);
    (void)snprintf(self->port, sizeof self->port, "%u", port % 65536);
    find(self, AI_NUMERICHOST);
    if (self->code == 0) return self;
    error = descriptors_pipe(self->ends) ? start_thread(self) : errno;
    if (error == 0) return self;
    lookup_release(self);
  }
  *problem = strerror(error);
  return NULL;
}

int lookup_fd(const lookup *self) {
  return self->ends[0];
}

bool lookup_has_ended(const lookup *self) {
  char byte;
  return self->ends[0] < 0 || read(self->ends[0], &byte, 1) == 1;
}

const struct addrinfo *lookup_addresses(const lookup *self, const char **problem) {
  if (self->code != 0)
    *problem = self->code == EAI_SYSTEM ? strerror(self->error) : gai_strerror(self->code);
  assert(self->code == 0 || self->addresses == NULL);
  return self->addresses;
}
