/*
** The response that a transfer receives: see http_response.h.
*/
#include "http_response.h"

#include <assert.h>
#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* Appends to one of the response's buffers. Returns false when memory is exhausted. */
static bool append(http_response *response, http_buffer *buffer, const char *data, size_t len) {
  if (http_buffer_append(buffer, data, len)) return true;
  response->out_of_memory = true;
  return false;
}

/* Records what is wrong with the response. Returns false: the transfer stops. */
static bool reject(http_response *response, const char *problem) {
  response->malformed = problem;
  return false;
}

/* Records the cap that was exceeded. Returns false: the transfer stops. */
static bool reject_size(http_response *response, const char *problem) {
  response->too_large = problem;
  return false;
}

/* Whether a value of Content-Length is valid: digits only, and the same value if the header repeats. */
static bool is_content_len(http_response *response, const char *value, size_t len) {
  size_t i;
  if (len == 0 || len >= sizeof response->content_len) return false;
  for (i = 0; i < len; i++)
    if (value[i] < '0' || value[i] > '9') return false;
  if (response->content_len[0] != '\0')
    return strlen(response->content_len) == len && memcmp(response->content_len, value, len) == 0;
  memcpy(response->content_len, value, len);
  response->content_len[len] = '\0';
  return true;
}

/* Whether a value of Transfer-Encoding is exactly "chunked", in a response that may have the header (RFC
   9112, 6.1). libcurl's versions differ in other codings: some return the framing of chunks as the body. */
static bool is_chunked(http_response *response, const char *value, size_t len) {
  const bool repeated = response->chunked;
  response->chunked = true;
  return !repeated && response->line_status >= 200 && response->line_status != 204 &&
         ascii_is_word(value, len, "chunked");
}

/* Checks a header of message framing; other headers need no check. `name` is the length of its name. */
static bool check_framing(http_response *response, const char *line, size_t len, size_t name) {
  const char *value = line + name + 1;
  const bool is_coding = ascii_is_word(line, name, "Transfer-Encoding");
  response->last_line = HTTP_LINE_KEPT;
  if (!is_coding && !ascii_is_word(line, name, "Content-Length")) return true;
  response->last_line = HTTP_LINE_FRAMING;
  len -= name + 1;
  while (len > 0 && http_is_blank(*value)) value++, len--;
  while (len > 0 && http_is_blank(value[len - 1])) len--;
  if (is_coding)
    return is_chunked(response, value, len) ||
           reject(response, "the response's Transfer-Encoding is not exactly \"chunked\"");
  return is_content_len(response, value, len) ||
         reject(response, "the response's Content-Length is not a number, or has two values");
}

/* Appends a folded line to the line before it, with one space between them (RFC 9112, 5.2), as libcurl
   itself does from 8.18.0 on. */
static bool unfold(http_response *response, const char *line, size_t len) {
  http_buffer *header = &response->header;
  if (response->last_line == HTTP_LINE_NONE)
    return reject(response, "the response's headers begin with white space");
  if (response->last_line == HTTP_LINE_FRAMING)
    return reject(response, "the response's Content-Length or Transfer-Encoding is folded");
  if (response->last_line == HTTP_LINE_SKIPPED) return true;
  while (len > 0 && http_is_blank(*line)) line++, len--;
  assert(header->len > 0 && header->data[header->len - 1] == '\n');
  header->len--;
  while (http_is_blank(header->data[header->len - 1])) header->len--;
  return append(response, header, " ", 1) && append(response, header, line, len) &&
         append(response, header, "\n", 1);
}

/* Whether a line is a header line or a folded one. Older versions of libcurl accept any text. */
static bool has_form(const char *line, size_t len) {
  return http_is_blank(*line) || memchr(line, ':', len) != NULL;
}

/* Stores a header line, or skips one without a name. */
static bool add_header(http_response *response, const char *line, size_t len) {
  const size_t name = http_name_len(line, len);
  if (http_is_blank(*line)) return unfold(response, line, len);
  response->last_line = HTTP_LINE_SKIPPED;
  if (name == 0) return true;
  if (!check_framing(response, line, len, name)) return false;
  response->header_lines++;
  return append(response, &response->header, line, len) &&
         append(response, &response->header, "\n", 1);
}

/* The length of the HTTP version at the start of a status line, or 0. Over HTTP/2, libcurl writes "HTTP/2"
   itself; its older versions also accept that from a peer that speaks HTTP/1. */
static size_t version_len(const http_response *response, const char *line, size_t len) {
  if (len > 8 && (memcmp(line, "HTTP/1.0", 8) == 0 || memcmp(line, "HTTP/1.1", 8) == 0)) return 8;
  return response->may_be_http2 && len > 6 && memcmp(line, "HTTP/2", 6) == 0 ? 6 : 0;
}

/* The status in a status line (RFC 9112, 4): one space and three digits, followed by another space or the
   end of the line. 0 when it is not a status line. libcurl reads only the first digits of "2000". */
static int read_status(const http_response *response, const char *line, size_t len) {
  const size_t version = version_len(response, line, len);
  const char *digits = line + version + 1;
  if (version == 0 || len < version + 4 || line[version] != ' ') return 0;
  if (digits[0] < '1' || digits[0] > '5' || digits[1] < '0' || digits[1] > '9' || digits[2] < '0' ||
      digits[2] > '9')
    return 0;
  if (len > version + 4 && digits[3] != ' ') return 0;
  return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
}

/* Begins a response: the headers of an earlier one (a 1xx, or a proxy's) are discarded. */
static bool begin(http_response *response, const char *line, size_t len) {
  response->line_status = read_status(response, line, len);
  if (response->line_status == 0)
    return reject(response, "the response does not begin with a status line of HTTP");
  response->in_header = true;
  response->header.len = 0;
  response->header_lines = 0;
  response->content_len[0] = '\0';
  response->chunked = false;
  response->last_line = HTTP_LINE_NONE;
  return true;
}

/* Ends the headers of a response. libcurl's status is the peer's, not that of a proxy in between; it treats
   an unrequested 101 as final. */
static void end_headers(http_response *response, CURL *easy) {
  long status = 0;
  (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  response->in_header = false;
  response->has_header = status >= 200 || status == 101;
}

bool http_response_add_line(http_response *response, CURL *easy, const char *line, size_t len) {
  assert(response->header_total <= response->max_header);
  /* All lines count, so that a peer cannot send 1xx responses without end. */
  if (len > response->max_header - response->header_total)
    return reject_size(response, "the response's headers are larger than allowed");
  response->header_total += len;
  if (len > 0 && line[len - 1] == '\n') len--;
  if (len > 0 && line[len - 1] == '\r') len--;
  if (!http_is_clean(line, len))
    return reject(response, "the response's headers contain control characters");
  if (!response->in_header && !response->has_header) return begin(response, line, len);
  if (len > 0 && !has_form(line, len))
    return reject(response, "the response has a header line without a colon");
  if (response->has_header) return true; /* trailers are not used */
  if (len > 0) return add_header(response, line, len);
  end_headers(response, easy);
  return true;
}

bool http_response_add_body(http_response *response, const char *data, size_t len) {
  assert(response->body.len <= response->max_body);
  if (len > response->max_body - response->body.len)
    return reject_size(response, "the response's body is larger than allowed");
  return append(response, &response->body, data, len);
}

void http_response_free(http_response *response) {
  http_buffer_free(&response->body);
  http_buffer_free(&response->header);
}
