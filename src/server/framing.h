/*
** framing.h: message framing of a request, as its header section states it. libmicrohttpd accepts
** headers that another server reads differently; what is ambiguous is rejected, since a proxy in front
** of this server could see the end of the request at another place (request smuggling).
*/
#ifndef APIVIDEO_FRAMING_H
#define APIVIDEO_FRAMING_H

#include <stdbool.h>

#include "../common/compat_mhd.h"

typedef struct framing {
  unsigned lengths; /* Content-Length and Transfer-Encoding headers */
  unsigned hosts;   /* Host headers */
  bool chunked, invalid;
} framing;

/* Reads the headers of the request that `connection` has received. */
framing framing_read(struct MHD_Connection *connection);

/* Whether a request with these headers, this method and this raw target has one unambiguous reading. */
bool framing_is_clear(const framing *found, const char *method, const char *target);

#endif
