/*
** compat_system.h: the one file that knows operating systems.
**
** Linux has calls that POSIX.1-2008 lacks and that are better: they are used there. With APIVIDEO_POLL defined, and on
** every other system, the sources keep to POSIX. On Linux it is for tests (make check-poll).
*/
#ifndef APIVIDEO_COMPAT_SYSTEM_H
#define APIVIDEO_COMPAT_SYSTEM_H

#include <poll.h>
#include <sys/socket.h>

#if !defined(__linux__) && !defined(APIVIDEO_POLL)
#define APIVIDEO_POLL 1
#endif

/* The peer has ended its half of a connection: on Linux and FreeBSD; elsewhere, both have ended. */
#ifdef POLLRDHUP
#define COMPAT_POLLRDHUP POLLRDHUP
#else
#define COMPAT_POLLRDHUP POLLHUP
#endif

/* macOS lacks it before 14; there, libmicrohttpd sets SO_NOSIGPIPE for each connection. */
#ifdef MSG_NOSIGNAL
#define COMPAT_MSG_NOSIGNAL MSG_NOSIGNAL
#else
#define COMPAT_MSG_NOSIGNAL 0
#endif

#endif
