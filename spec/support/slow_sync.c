/*
** A library to preload: each sync of a file to the disk takes SYNC_DELAY_MS longer, and waits while the file SYNC_HOLD
** exists; before that it creates SYNC_HOLD.held.
*/
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long delay_ms;
static char hold[4096], held[4200];

/* Reads the variables now: nginx removes them. */
__attribute__((constructor)) static void read_variables(void) {
  const char *const ms = getenv("SYNC_DELAY_MS"), *const path = getenv("SYNC_HOLD");
  if (ms != NULL) delay_ms = atol(ms);
  if (path != NULL) (void)snprintf(hold, sizeof hold, "%s", path);
  if (path != NULL) (void)snprintf(held, sizeof held, "%s.held", path);
}

static void wait_ms(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  (void)nanosleep(&time, NULL);
}

static int delayed(const char *name, int fd) {
  int (*const sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (hold[0] != '\0' && access(hold, F_OK) == 0) {
    const int file = open(held, O_CREAT | O_WRONLY, 0666);
    if (file >= 0) (void)close(file);
    while (access(hold, F_OK) == 0) wait_ms(1);
  }
  if (delay_ms > 0) wait_ms(delay_ms);
  return sync(fd);
}

int fdatasync(int fd) {
  return delayed("fdatasync", fd);
}

int fsync(int fd) {
  return delayed("fsync", fd);
}
