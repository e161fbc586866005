/*
** http_failure.h: the kinds of errors. Where libcurl's result codes are ambiguous, its messages are searched.
*/
#ifndef APIVIDEO_HTTP_FAILURE_H
#define APIVIDEO_HTTP_FAILURE_H

#include "http_transfer.h"

typedef enum http_error {
  HTTP_OK,
  HTTP_CANCELLED,
  HTTP_INVALID_REQUEST,
  HTTP_NETWORK,
  HTTP_TIMEOUT,
  HTTP_TLS_FAILED,
  HTTP_TOO_LARGE,
  HTTP_UNEXPECTED_RESPONSE
} http_error;

/* The name of an error's kind in Lua; NULL for HTTP_OK. */
const char *http_error_name(http_error kind);
/* The kind of error of a finished transfer that is not `out_of_memory`; HTTP_OK when there is a response. */
http_error http_failure_kind(const http_transfer *transfer);
/* The message of such an error if this library has found it; NULL if libcurl has (http_message.h). */
const char *http_failure_message(const http_transfer *transfer);

#endif
