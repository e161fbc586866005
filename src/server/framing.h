/*
** framing.h: message framing of a request, as its header section states it. libmicrohttpd accepts
** headers that another server reads differently; what is ambiguous is rejected, since a proxy in front
** of this server could see the end of the request at another place (request smuggling).
*/
#ifndef APIVIDEO_FRAMING_H
#define APIVIDEO_FRAMING_H

#include <stdbool.h>

#include "raw_head.h"

typedef struct framing {
  unsigned lengths; /* Content-Length and Transfer-Encoding headers */
  unsigned hosts;   /* Host headers */
  bool chunked, invalid;
} framing;

/* Reads the headers of the request that `connection` has received. */
framing framing_read(struct MHD_Connection *connection);

/* 0 when the request with these headers and this request line has one unambiguous reading; else the status
   of the response. */
unsigned framing_check(const framing *found, const request_line *line);

#endif
