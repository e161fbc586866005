/*
** http_handle.h: a pool's libcurl handles. For http.c only.
**
** Each handle serves one transfer: from 7.84.0 to 8.0.1, libcurl appends a first header line that begins with
** white space to the last line of the previous response, which is freed (https://github.com/curl/curl/pull/11103).
** Newer versions could reuse handles, but that does not save time: creating and freeing them happens while a
** response is awaited. The pool keeps the next handle ready, and the retired one until then.
*/
#ifndef APIVIDEO_HTTP_HANDLE_H
#define APIVIDEO_HTTP_HANDLE_H

#include "http_transfer.h"

/* Gives a transfer a handle of its own, which stores what it receives in the transfer. */
CURLcode http_acquire_handle(http_pool *pool, http_transfer *transfer);
/* Takes the handle of a finished transfer back; the transfer may be freed afterwards. */
void http_retire_handle(http_transfer *transfer);
/* Frees the retired handle and creates the next one. */
void http_replace_handles(http_pool *pool);
/* Frees the handles that belong to no transfer. */
void http_free_handles(http_pool *pool);

#endif
