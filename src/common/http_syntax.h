/*
** http_syntax.h: the characters of HTTP messages. Text that two implementations could parse differently is
** rejected on both sides of HTTP (RFC 9110, 5.5 and 5.6.2).
*/
#ifndef APIVIDEO_HTTP_SYNTAX_H
#define APIVIDEO_HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* The number of characters at the start of `text` that are token characters. */
size_t http_token_len(const char *text, size_t len);

/* Whether `text` is a token: a method, or a header's name. */
bool http_is_token(const char *text, size_t len);

/* The length of the header name that `line` starts with; 0 unless a token and a colon come first. */
size_t http_name_len(const char *line, size_t len);

/* Whether `c` is a space or a tab. */
bool http_is_blank(char c);

/* Whether `text` has no control characters except tabs: no CR in particular, which some implementations
   take for the end of a line. */
bool http_is_clean(const char *text, size_t len);

#endif
