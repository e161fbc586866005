/*
** The lines of headers. What others may read in another way than we do is refused: who disagrees about
** where a response ends takes its rest for the next one.
*/
#include "http_header.h"

#include <stdlib.h>
#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* The length of the name that a line begins with, or 0 when there is none before a colon. */
static size_t name_length(const char *line, size_t len) {
  const size_t name = http_token_length(line, len);
  return name < len && line[name] == ':' ? name : 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Appends a line that libcurl copies. NULL, or why not. */
static const char *append_line(http_transfer *transfer, const char *line) {
  struct curl_slist *grown = curl_slist_append(transfer->headers, line);
  if (grown == NULL) return http_no_memory;
  transfer->headers = grown;
  transfer->headers_size += strlen(line) + 2;
  return NULL;
}

/* Appends a header without a value. libcurl sends it for "Name;": "Name:" means to leave it out. */
static const char *append_empty(http_transfer *transfer, const char *name, size_t len) {
  const char *problem = http_no_memory;
  char *line = malloc(len + 2);
  if (line == NULL) return problem;
  memcpy(line, name, len);
  memcpy(line + len, ";", 2);
  problem = append_line(transfer, line);
  free(line);
  return problem;
}

/* Whether the first `len` bytes of a line are a name, in any case. */
static bool is_name(const char *line, size_t len, const char *name) {
  return ascii_equal(line, len, name, strlen(name));
}

const char *http_add_header(http_transfer *transfer, const char *line, size_t len) {
  const size_t name = name_length(line, len);
  const char *value = line + name + 1;
  if (name == 0) return "a header must have the form \"Name: value\"";
  if (!http_is_clean(line, len)) return "a header must not hold CR, LF, NUL or control characters";
  /* libcurl writes these itself, for the body that it sends: another value would move the end of the
     request (request smuggling), or make libcurl wait. */
  if (is_name(line, name, "Content-Length") || is_name(line, name, "Transfer-Encoding") ||
      is_name(line, name, "Expect"))
    return "the headers Content-Length, Transfer-Encoding and Expect are written by the library";
  if (is_name(line, name, "Content-Type")) transfer->has_content_type = true;
  while (is_blank(*value)) value++;
  if (*value != '\0') return append_line(transfer, line);
  if (is_name(line, name, "Host")) return "the header Host must not be empty";
  return append_empty(transfer, line, name);
}

const char *http_add_body_headers(http_transfer *transfer) {
  const char *problem = append_line(transfer, "Expect:");
  if (problem == NULL && !transfer->has_content_type)
    problem = append_line(transfer, "Content-Type:");
  return problem;
}

/* Whether a value of Content-Length is one: digits only, and the same where it comes twice. */
static bool is_length(http_transfer *transfer, const char *value, const char *end) {
  const char *c;
  size_t len;
  while (value < end && is_blank(*value)) value++;
  while (value < end && is_blank(end[-1])) end--;
  len = (size_t)(end - value);
  if (len == 0 || len >= sizeof transfer->length) return false;
  for (c = value; c < end; c++)
    if (*c < '0' || *c > '9') return false;
  if (transfer->length[0] != '\0')
    return strlen(transfer->length) == len && memcmp(transfer->length, value, len) == 0;
  memcpy(transfer->length, value, len);
  transfer->length[len] = '\0';
  return true;
}

/* Keeps a header line. A line without a name, such as the continuation of a folded one, is skipped. */
static bool keep_line(http_transfer *transfer, const char *line, size_t len) {
  const size_t name = name_length(line, len);
  if (name == 0) return true;
  if (is_name(line, name, "Content-Length") &&
      !is_length(transfer, line + name + 1, line + len)) {
    transfer->malformed = "the response's Content-Length is no number, or there are two";
    return false;
  }
  transfer->header_lines++;
  return http_append(transfer, &transfer->header, line, len) &&
         http_append(transfer, &transfer->header, "\n", 1);
}

/* Begins a response: what an earlier one had (a 1xx, or a proxy's) does not count. */
static void begin_response(http_transfer *transfer) {
  transfer->in_header = true;
  transfer->header.len = 0;
  transfer->header_lines = 0;
  transfer->length[0] = '\0';
}

/* Ends the headers of a response. The status is that of the peer, not of a proxy before it. libcurl
   takes a 101, which nobody asked for, as final. */
static void end_headers(http_transfer *transfer) {
  long status = 0;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  transfer->in_header = false;
  transfer->answered = status >= 200 || status == 101;
}

bool http_take_line(http_transfer *transfer, const char *line, size_t len) {
  if (len > 0 && line[len - 1] == '\n') len--;
  if (len > 0 && line[len - 1] == '\r') len--;
  if (!http_is_clean(line, len)) {
    transfer->malformed = "the response's headers hold control characters";
    return false;
  }
  if (transfer->in_header && len == 0)
    end_headers(transfer);
  else if (transfer->in_header)
    return keep_line(transfer, line, len);
  else if (!transfer->answered && len >= 5 && memcmp(line, "HTTP/", 5) == 0)
    begin_response(transfer);
  return true; /* what follows the final response's headers are trailers, which nobody waits for */
}
