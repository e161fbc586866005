/*
** The best case with libcurl: sequential GETs with one easy handle on a keep-alive connection, with the body collected.
** Prints the microseconds of a request: of processor time, and in all.
**
**   http_loop url count ca-file username header …
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

typedef struct buffer {
  char *data;
  size_t len, size;
} buffer;

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  buffer *body = context;
  const size_t len = size * count;
  if (len > body->size - body->len) {
    const size_t grown = (body->len + len) * 2;
    char *const moved = realloc(body->data, grown);
    if (moved == NULL) return 0;
    body->data = moved;
    body->size = grown;
  }
  memcpy(body->data + body->len, data, len);
  body->len += len;
  return len;
}

static double now_us(clockid_t clock) {
  struct timespec time;
  (void)clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  const long count = argc > 4 ? strtol(argv[2], NULL, 10) : 0;
  buffer body = {NULL, 0, 0};
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = NULL;
  double started = 0, busy = 0;
  long i;
  if (argc < 5) return 1;
  for (i = 5; i < argc; i++) headers = curl_slist_append(headers, argv[i]);
  (void)curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  (void)curl_easy_setopt(easy, CURLOPT_CAINFO, argv[3]);
  (void)curl_easy_setopt(easy, CURLOPT_USERNAME, argv[4]);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  for (i = -1; i < count; i++) { /* the first one connects */
    if (i == 0) {
      started = now_us(CLOCK_MONOTONIC);
      busy = now_us(CLOCK_PROCESS_CPUTIME_ID);
    }
    body.len = 0;
    if (curl_easy_perform(easy) != CURLE_OK || body.len == 0) return 1;
  }
  busy = now_us(CLOCK_PROCESS_CPUTIME_ID) - busy;
  printf("%.2f %.2f\n", busy / (double)count, (now_us(CLOCK_MONOTONIC) - started) / (double)count);
  free(body.data);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  return 0;
}
