/*
** http_problem.h: a problem is a constant text that says why a call failed, or NULL for success.
*/
#ifndef APIVIDEO_HTTP_PROBLEM_H
#define APIVIDEO_HTTP_PROBLEM_H

#include "../common/compat_curl.h"

/* The problem of every function that runs out of memory. Callers compare the pointer. */
extern const char http_no_memory[];

/* The problem that a result code of libcurl stands for; NULL for success. */
const char *http_problem_of_easy(CURLcode code);
const char *http_problem_of_multi(CURLMcode code);

/* Sets an option of the handle `easy`, or returns libcurl's code from the calling function. Every option is
   checked: one that silently failed could leave TLS unverified or a transfer without a time limit. */
#define HTTP_SET(option, value)                                                                    \
  do {                                                                                             \
    const CURLcode code_ = curl_easy_setopt(easy, CURLOPT_##option, value);                        \
    if (code_ != CURLE_OK) return code_;                                                           \
  } while (0)

#endif
