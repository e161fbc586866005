/*
** http_options.h: what a request asks for, as libcurl's options. For http.c and http_handle.c only.
*/
#ifndef APIVIDEO_HTTP_OPTIONS_H
#define APIVIDEO_HTTP_OPTIONS_H

#include "http_transfer.h"

/* Sets what all transfers of the pool have in common on a new handle. */
CURLcode http_set_common(CURL *easy, const http_pool *pool);
/* Sets the options of a request, which http_check has accepted, on its transfer's handle. */
CURLcode http_set_request(http_transfer *transfer, const http_request *request);

#endif
