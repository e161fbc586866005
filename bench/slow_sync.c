/*
** slow_sync: makes a disk slower. LD_PRELOAD=slow_sync SLOW_SYNC_MS=10 delays each fsync and fdatasync of a program by
** 10 ms.
*/
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static sync_function real_fsync, real_fdatasync;
static struct timespec delay;

/* Here, because nginx removes the variables from its environment later. */
__attribute__((constructor)) static void start(void) {
  const char *const text = getenv("SLOW_SYNC_MS");
  const long milliseconds = text != NULL ? strtol(text, NULL, 10) : 0;
  void *const fsync_symbol = dlsym(RTLD_NEXT, "fsync");
  void *const fdatasync_symbol = dlsym(RTLD_NEXT, "fdatasync");
  (void)memcpy(&real_fsync, &fsync_symbol, sizeof real_fsync);
  (void)memcpy(&real_fdatasync, &fdatasync_symbol, sizeof real_fdatasync);
  delay.tv_sec = milliseconds / 1000;
  delay.tv_nsec = milliseconds % 1000 * 1000000;
}

static void wait_longer(void) {
  if (delay.tv_sec > 0 || delay.tv_nsec > 0) (void)nanosleep(&delay, NULL);
}

int fsync(int fd) {
  wait_longer();
  return real_fsync(fd);
}

int fdatasync(int fd) {
  wait_longer();
  return real_fdatasync(fd);
}
