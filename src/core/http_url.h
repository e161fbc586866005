/*
** http_url.h: the normal form of URLs. For http.c only.
*/
#ifndef APIVIDEO_HTTP_URL_H
#define APIVIDEO_HTTP_URL_H

/* Returns a copy of a URL in the form in which it is sent: after its host, percent-encodings have upper-case
   digits (RFC 3986, 6.2.2.1), and bytes beyond ASCII are percent-encoded. libcurl does the same from 8.21.0 on;
   older versions send the URL unchanged. The caller frees it; NULL when memory is exhausted. */
char *http_normalize_url(const char *url);

#endif
