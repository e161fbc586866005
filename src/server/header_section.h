/*
** header_section.h: what libmicrohttpd's parser before 1.0 hides of a header section. It accepts a bare LF as
** the end of a line, ends a value at a NUL, and skips spaces before the request-target; 1.0 rejects all of
** these. The strings that it returns point into the received bytes, in which only the ends of strings were
** overwritten with NULs: so the distances between the strings show what stood between them.
*/
#ifndef APIVIDEO_HEADER_SECTION_H
#define APIVIDEO_HEADER_SECTION_H

#include "../common/compat_mhd.h"

/* A request line: libmicrohttpd's strings, and the request-target as it was received. */
typedef struct server_request_line {
  const char *method, *url, *version, *target;
} server_request_line;

#define SERVER_FRAMING_VALID 0
#define SERVER_FRAMING_CLOSE 1 /* close the connection without a response */

/* SERVER_FRAMING_VALID if the header section hides nothing, SERVER_FRAMING_CLOSE, or the status of the
   response; the same as libmicrohttpd 1.0 decides. */
unsigned server_header_section_check(struct MHD_Connection *connection,
                                     const server_request_line *line);

#endif
