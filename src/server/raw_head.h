/*
** raw_head.h: what libmicrohttpd before 1.0 hides of a header section. It takes a bare LF for the end of a
** line, ends a value at a NUL, and skips spaces before the target; 1.0 rejects all of these. Its values are
** places in the bytes that were received, in which only the ends of parts were overwritten with NULs. So what
** lies between two parts tells what was there.
*/
#ifndef APIVIDEO_RAW_HEAD_H
#define APIVIDEO_RAW_HEAD_H

#include "../common/compat_mhd.h"

/* A request line, as libmicrohttpd hands it out, and the target as it was received. */
typedef struct request_line {
  const char *method, *url, *version, *target;
} request_line;

#define RAW_HEAD_CLEAN 0
#define RAW_HEAD_CLOSE 1 /* close the connection without a response */

/* Whether a header section hides something: RAW_HEAD_CLEAN, RAW_HEAD_CLOSE, or the status of the response,
   as libmicrohttpd 1.0 decides. */
unsigned raw_head_check(struct MHD_Connection *connection, const request_line *line);

#endif
