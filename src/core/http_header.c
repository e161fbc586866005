/*
** The header lines of a request: see http_header.h.
*/
#include "http_header.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* Appends a line, which libcurl copies. Returns NULL, or the problem. */
static const char *append_line(http_headers *headers, const char *line) {
  struct curl_slist *grown = curl_slist_append(headers->lines, line);
  if (grown == NULL) return http_no_memory;
  headers->lines = grown;
  headers->size += strlen(line) + 2;
  return NULL;
}

/* Appends a header without a value. libcurl sends it for "Name;", and removes a header for "Name:". */
static const char *append_empty(http_headers *headers, const char *name, size_t len) {
  const char *problem;
  char *line = malloc(len + 2);
  if (line == NULL) return http_no_memory;
  memcpy(line, name, len);
  memcpy(line + len, ";", 2);
  problem = append_line(headers, line);
  free(line);
  return problem;
}

const char *http_headers_add(http_headers *headers, const char *line, size_t len) {
  const size_t name = http_name_len(line, len);
  const char *value = line + name + 1;
  assert(line[len] == '\0');
  if (name == 0) return "a header must have the form \"Name: value\"";
  if (!http_is_clean(line, len))
    return "a header must not contain CR, LF, NUL or other control characters";
  if (ascii_is_word(line, name, "Content-Length") ||
      ascii_is_word(line, name, "Transfer-Encoding") || ascii_is_word(line, name, "Expect"))
    return "the headers Content-Length, Transfer-Encoding and Expect are written by the library; "
           "remove them";
  if (ascii_is_word(line, name, "Content-Type")) headers->has_content_type = true;
  while (http_is_blank(*value)) value++;
  if (*value != '\0') return append_line(headers, line);
  if (ascii_is_word(line, name, "Host")) return "the header Host must not be empty";
  return append_empty(headers, line, name);
}

const char *http_headers_add_for_body(http_headers *headers) {
  const char *problem = append_line(headers, "Expect:");
  if (problem == NULL && !headers->has_content_type)
    problem = append_line(headers, "Content-Type:");
  return problem;
}

void http_headers_free(http_headers *headers) {
  curl_slist_free_all(headers->lines);
  memset(headers, 0, sizeof *headers);
}
