/*
** http_message.h: what the error of a transfer says: a plain sentence with the remedy, and libcurl's text in
** parentheses, which differs between versions and TLS libraries.
*/
#ifndef APIVIDEO_HTTP_MESSAGE_H
#define APIVIDEO_HTTP_MESSAGE_H

#include "http_transfer.h"

/* Records what messages need of a request. */
void http_message_prepare(http_transfer *transfer, const http_request *request);
/* One line about the error of a finished transfer that has one, other than `out_of_memory`. It is valid as long as the
   transfer. */
const char *http_message(http_transfer *transfer);

#endif
