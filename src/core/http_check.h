/*
** http_check.h: checks of a request, before any of it is passed to libcurl. For http.c only.
**
** libcurl's versions differ in what they accept, and report some errors in a way that does not name the cause.
*/
#ifndef APIVIDEO_HTTP_CHECK_H
#define APIVIDEO_HTTP_CHECK_H

#include "http_transfer.h"

/* Returns NULL, or why a request is invalid: a constant, or text in `transfer->error`. The transfer has its
   headers already. */
const char *http_check(http_transfer *transfer, const http_request *request);

#endif
