/*
** framing.h: the message framing of a request, as its request line and header section state it. libmicrohttpd
** accepts messages that another HTTP implementation frames differently. Everything ambiguous is rejected: a
** proxy in front of this server could see the end of the request at another byte (request smuggling, RFC 9112,
** 11.2).
*/
#ifndef APIVIDEO_FRAMING_H
#define APIVIDEO_FRAMING_H

#include <stdbool.h>

#include "header_section.h"

/* To be called when the header section was received: SERVER_FRAMING_VALID if the framing is unambiguous,
   SERVER_FRAMING_CLOSE, or the status of the response. Sets `is_chunked` in any case. */
unsigned server_framing_check(struct MHD_Connection *connection, const server_request_line *line,
                              bool *is_chunked);

#endif
