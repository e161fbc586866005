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
  const size_t name = http_token_len(line, len);
  return name < len && line[name] == ':' ? name : 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

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

/* Notes what is wrong with a response. False: the transfer ends. */
static bool reject(http_transfer *transfer, const char *problem) {
  transfer->malformed = problem;
  return false;
}

/* Whether a value of Content-Length is one: digits only, and the same where it comes twice. */
static bool is_length(http_transfer *transfer, const char *value, size_t len) {
  size_t i;
  if (len == 0 || len >= sizeof transfer->length) return false;
  for (i = 0; i < len; i++)
    if (value[i] < '0' || value[i] > '9') return false;
  if (transfer->length[0] != '\0')
    return strlen(transfer->length) == len && memcmp(transfer->length, value, len) == 0;
  memcpy(transfer->length, value, len);
  transfer->length[len] = '\0';
  return true;
}

/* Whether a value of Transfer-Encoding is "chunked" alone, in a response that may have it (RFC 9112,
   6.1). libcurl's versions differ in other codings: some return the chunks' framing as the body. */
static bool is_chunked(http_transfer *transfer, const char *value, size_t len) {
  const bool again = transfer->chunked;
  transfer->chunked = true;
  return !again && transfer->line_status >= 200 && transfer->line_status != 204 &&
         ascii_equal(value, len, "chunked", 7);
}

/* Checks a header of message framing; the others need no check. `name` is its name's length. */
static bool check_framing(http_transfer *transfer, const char *line, size_t len, size_t name) {
  const char *value = line + name + 1;
  const bool is_coding = is_name(line, name, "Transfer-Encoding");
  transfer->last_line = HTTP_LINE_KEPT;
  if (!is_coding && !is_name(line, name, "Content-Length")) return true;
  transfer->last_line = HTTP_LINE_FRAMING;
  len -= name + 1;
  while (len > 0 && is_blank(*value)) value++, len--;
  while (len > 0 && is_blank(value[len - 1])) len--;
  if (is_coding)
    return is_chunked(transfer, value, len) ||
           reject(transfer, "the response's Transfer-Encoding is not \"chunked\" alone");
  return is_length(transfer, value, len) ||
         reject(transfer, "the response's Content-Length is no number, or there are two");
}

/* Appends a line that continues the one before it, with one space between them (RFC 9112, 5.2), as libcurl
   itself does from 8.18.0 on. */
static bool unfold(http_transfer *transfer, const char *line, size_t len) {
  http_buffer *header = &transfer->header;
  if (transfer->last_line == HTTP_LINE_NONE)
    return reject(transfer, "the response's headers begin with white space");
  if (transfer->last_line == HTTP_LINE_FRAMING)
    return reject(transfer, "the response's Content-Length or Transfer-Encoding is folded");
  if (transfer->last_line == HTTP_LINE_SKIPPED) return true;
  while (len > 0 && is_blank(*line)) line++, len--;
  header->len--; /* the end of the line before */
  while (is_blank(header->data[header->len - 1])) header->len--;
  return http_append(transfer, header, " ", 1) && http_append(transfer, header, line, len) &&
         http_append(transfer, header, "\n", 1);
}

/* Whether a line is a header or continues one. libcurl's older versions take any text. */
static bool has_form(const char *line, size_t len) {
  return is_blank(*line) || memchr(line, ':', len) != NULL;
}

/* Keeps a header line, or skips one without a name. */
static bool keep_line(http_transfer *transfer, const char *line, size_t len) {
  const size_t name = name_length(line, len);
  if (is_blank(*line)) return unfold(transfer, line, len);
  transfer->last_line = HTTP_LINE_SKIPPED;
  if (name == 0) return true;
  if (!check_framing(transfer, line, len, name)) return false;
  transfer->header_lines++;
  return http_append(transfer, &transfer->header, line, len) &&
         http_append(transfer, &transfer->header, "\n", 1);
}

/* The length of the HTTP version that a status line begins with, or 0. libcurl writes "HTTP/2" itself
   over HTTP/2; older versions also accept it from a peer of HTTP/1. */
static size_t version_length(const http_transfer *transfer, const char *line, size_t len) {
  if (len > 8 && (memcmp(line, "HTTP/1.0", 8) == 0 || memcmp(line, "HTTP/1.1", 8) == 0)) return 8;
  return transfer->may_be_http2 && len > 6 && memcmp(line, "HTTP/2", 6) == 0 ? 6 : 0;
}

/* The status in a status line (RFC 9112, 4): after one space, three digits, which another space or
   the end of the line follows. 0 when it is not a status line. libcurl reads only the first digits
   of "2000". */
static int read_status(const http_transfer *transfer, const char *line, size_t len) {
  const size_t version = version_length(transfer, line, len);
  const char *digits = line + version + 1;
  if (version == 0 || len < version + 4 || line[version] != ' ') return 0;
  if (digits[0] < '1' || digits[0] > '5' || digits[1] < '0' || digits[1] > '9' || digits[2] < '0' ||
      digits[2] > '9')
    return 0;
  if (len > version + 4 && digits[3] != ' ') return 0;
  return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
}

/* Begins a response: what an earlier one had (a 1xx, or a proxy's) does not count. */
static bool begin_response(http_transfer *transfer, const char *line, size_t len) {
  transfer->line_status = read_status(transfer, line, len);
  if (transfer->line_status == 0)
    return reject(transfer, "the response does not begin with a status line of HTTP");
  transfer->in_header = true;
  transfer->header.len = 0;
  transfer->header_lines = 0;
  transfer->length[0] = '\0';
  transfer->chunked = false;
  transfer->last_line = HTTP_LINE_NONE;
  return true;
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
  if (!http_is_clean(line, len))
    return reject(transfer, "the response's headers hold control characters");
  if (!transfer->in_header && !transfer->answered) return begin_response(transfer, line, len);
  if (len > 0 && !has_form(line, len))
    return reject(transfer, "the response has a header line without a colon");
  if (transfer->answered) return true; /* trailers are not used */
  if (len > 0) return keep_line(transfer, line, len);
  end_headers(transfer);
  return true;
}
