/*
** Problems of libcurl as constant texts: see http_problem.h.
*/
#include "http_problem.h"

const char http_no_memory[] = "not enough memory";

const char *http_problem_of_easy(CURLcode code) {
  if (code == CURLE_OK) return NULL;
  return code == CURLE_OUT_OF_MEMORY ? http_no_memory : curl_easy_strerror(code);
}

const char *http_problem_of_multi(CURLMcode code) {
  if (code == CURLM_OK) return NULL;
  return code == CURLM_OUT_OF_MEMORY ? http_no_memory : curl_multi_strerror(code);
}
