/*
** http_url.h: the one way in which URLs are written. For http.c alone.
*/
#ifndef APIVIDEO_HTTP_URL_H
#define APIVIDEO_HTTP_URL_H

/* A URL as it is sent: after its host, percent-encodings have capital letters (RFC 3986, 6.2.2.1), and
   bytes beyond ASCII are percent-encoded. libcurl does so itself from 8.21.0 on, and sends before what
   it is given. The caller frees it; NULL when memory is out. */
char *http_write_url(const char *url);

#endif
