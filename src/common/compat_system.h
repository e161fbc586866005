/*
** compat_system.h: the only file that depends on the operating system.
**
** On Linux, the sources use better calls that POSIX.1-2008 lacks. With APIVIDEO_POLL defined, as on every other
** system, they use POSIX only; on Linux, that is for tests (make check-poll).
*/
#ifndef APIVIDEO_COMPAT_SYSTEM_H
#define APIVIDEO_COMPAT_SYSTEM_H

#include <poll.h>
#include <sys/socket.h>

#if !defined(__linux__) && !defined(APIVIDEO_POLL)
#define APIVIDEO_POLL 1
#endif

/* The event of a connection that its peer has shut down for writing. Systems without POLLRDHUP (it exists on Linux and
   FreeBSD) report it only when both directions are shut down. */
#ifdef POLLRDHUP
#define COMPAT_POLLRDHUP POLLRDHUP
#else
#define COMPAT_POLLRDHUP POLLHUP
#endif

/* macOS before 14 lacks MSG_NOSIGNAL; libmicrohttpd sets SO_NOSIGPIPE for each connection there. */
#ifdef MSG_NOSIGNAL
#define COMPAT_MSG_NOSIGNAL MSG_NOSIGNAL
#else
#define COMPAT_MSG_NOSIGNAL 0
#endif

/* The name of the kind of file system of a path, such as "NFS": if other machines may change its files, or a program in
   user space implements it. Otherwise, and where the system does not tell, NULL. */
const char *compat_network_file_system(const char *path);

#endif
