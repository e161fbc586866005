/*
** http_options.h: what a request asks, as libcurl's options. For http.c alone.
*/
#ifndef APIVIDEO_HTTP_OPTIONS_H
#define APIVIDEO_HTTP_OPTIONS_H

#include "http.h"

/* Reads what this libcurl can into a new pool. */
void http_read_features(http_pool *pool);
/* Sets what all transfers of the pool have in common on a new handle. */
CURLcode http_set_common(CURL *easy, const http_pool *pool);
/* NULL, or why a request cannot be made: a constant, or in `transfer->error`. */
const char *http_check(http_transfer *transfer, const http_request *request);
/* Sets a request that was checked on its transfer's handle. */
CURLcode http_set_request(http_transfer *transfer, const http_request *request);

#endif
