/*
 * A simulated machine: its wall clock can jump, it can be restarted, and its power can fail. This
 * library is loaded into a process before all others (LD_PRELOAD). CRASH_MACHINE is the machine's
 * directory:
 *
 *   wall     seconds by which the wall clock is wrong
 *   uptime   seconds by which the monotonic clock is wrong
 *   boot     the kernel's id of the current boot; the real one if this file does not exist
 *   disk/    the files of the disk; only synced bytes survive a power failure
 *   synced/  the synced bytes of each file, by inode; and `names`, the names of the files
 *
 * As on a file system with a journal, a sync of one file makes all earlier changes of names durable.
 */
#undef _FILE_OFFSET_BITS /* with 64, the headers rename fopen to fopen64; both are defined here */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* Writes the path of a file of the machine; false where there is no machine. */
static bool path_of(char path[PATH_MAX], const char *name) {
  const char *machine = getenv("CRASH_MACHINE");
  return machine && snprintf(path, PATH_MAX, "%s/%s", machine, name) < PATH_MAX;
}

/* The number that a file of the machine holds, or 0. It may be changed at any time. */
static time_t number_in(const char *name) {
  char path[PATH_MAX];
  char text[32] = "";
  if (!path_of(path, name)) return 0;
  int saved = errno;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, text, sizeof text - 1) < 0) text[0] = '\0';
    close(fd);
  }
  errno = saved;
  return (time_t)strtol(text, NULL, 10);
}

/* ---- files of the kernel ---- */

/* A function of the C library with a name that this library has, too. */
static FILE *open_by(const char *function, const char *path, const char *mode) {
  FILE *(*next)(const char *, const char *);
  char boot[PATH_MAX];
  bool is_simulated;
  *(void **)&next = dlsym(RTLD_NEXT, function);
  is_simulated = strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 && path_of(boot, "boot") &&
                 access(boot, R_OK) == 0;
  return next(is_simulated ? boot : path, mode);
}

/* As the C library's, but for the id of the boot. */
EXPORT FILE *fopen(const char *restrict path, const char *restrict mode) {
  return open_by("fopen", path, mode);
}

/* The same for callers that were compiled for large files. */
EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode) {
  return open_by("fopen64", path, mode);
}

/* ---- clocks ---- */

/* As the kernel's, but for what is wrong with the machine's clocks. */
EXPORT int clock_gettime(clockid_t clock, struct timespec *now) {
  long result = syscall(SYS_clock_gettime, clock, now);
  if (result != 0) return (int)result;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    now->tv_sec += number_in("wall");
  } else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) {
    now->tv_sec += number_in("uptime");
  }
  return 0;
}

/* The same for callers of this function. */
EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

/* The same in seconds. */
EXPORT time_t time(time_t *where) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}

/* ---- the disk ---- */

static FILE *names; /* what a walk writes to */

/* Writes what tells a file from all others that there are and were. */
static void identify(char id[64], const char *path) {
  struct statx about = {0};
  statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &about);
  (void)snprintf(id, 64, "%llu-%lld-%u", (unsigned long long)about.stx_ino,
                 (long long)about.stx_btime.tv_sec, about.stx_btime.tv_nsec);
}

/* Notes a file's name: a visitor of nftw. */
static int note(const char *path, const struct stat *about, int kind, struct FTW *place) {
  char id[64];
  (void)about;
  (void)place;
  if (kind != FTW_F) return 0;
  identify(id, path);
  (void)fprintf(names, "%s %s\n", id, path);
  return 0;
}

/* Copies a file, which is open as `fd`, atomically: the copy is complete or does not exist. A file that
 * this process can read is not opened again: closing it would release all locks on it. */
static void copy(int fd, const char *from, const char *to) {
  char buffer[1 << 16];
  char draft[PATH_MAX];
  ssize_t count;
  off_t offset = 0;
  bool is_readable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
  int in = is_readable ? fd : open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0) return; /* it was removed */
  path_of(draft, "synced/draft");
  int out = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  while ((count = pread(in, buffer, sizeof buffer, offset)) > 0) {
    if (write(out, buffer, (size_t)count) != count) abort();
    offset += count;
  }
  if (!is_readable) close(in);
  close(out);
  if (rename(draft, to) != 0) abort();
}

/* Makes the names of the disk's files durable. */
static void keep_names(const char *disk) {
  char draft[PATH_MAX];
  char list[PATH_MAX];
  path_of(draft, "synced/draft");
  path_of(list, "synced/names");
  names = fopen(draft, "w");
  if (!names) abort();
  nftw(disk, note, 8, FTW_PHYS);
  if (fclose(names) != 0 || rename(draft, list) != 0) abort();
}

/* Makes the bytes of an open file durable. */
static void keep_bytes(int fd, const char *file) {
  char id[64];
  char name[80];
  char synced[PATH_MAX];
  struct stat about;
  if (stat(file, &about) != 0 || !S_ISREG(about.st_mode)) return;
  identify(id, file);
  (void)snprintf(name, sizeof name, "synced/%s", id);
  path_of(synced, name);
  copy(fd, file, synced);
}

/* Makes a file of the machine's disk durable; false for any other. One at a time, or an older copy
 * might take the place of a newer one. */
static bool keep(int fd) {
  char disk[PATH_MAX];
  char link[64];
  char file[PATH_MAX];
  char lock[PATH_MAX];
  if (!path_of(disk, "disk")) return false;
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, file, sizeof file - 1);
  if (length < 0) return false;
  file[length] = '\0';
  if (strncmp(file, disk, strlen(disk)) != 0) return false;

  path_of(lock, "lock");
  int locked = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (locked < 0 || flock(locked, LOCK_EX) != 0) abort();
  keep_bytes(fd, file);
  keep_names(disk);
  close(locked);
  return true;
}

/* Makes a file durable, on the machine's disk or on another. */
EXPORT int fsync(int fd) {
  return keep(fd) ? 0 : (int)syscall(SYS_fsync, fd);
}

/* The same: what it omits does not matter here. */
EXPORT int fdatasync(int fd) {
  return keep(fd) ? 0 : (int)syscall(SYS_fdatasync, fd);
}
