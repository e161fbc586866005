#ifndef APIVIDEO_HTTP_SYNTAX_H
#define APIVIDEO_HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* What both ends of HTTP refuse to read in two ways (RFC 9110, 5.5 and 5.6.2). */

/* How many characters of a token text begins with. */
size_t http_token_length(const char *text, size_t len);

/* Whether text is a token: a method, or a header's name. */
bool http_is_token(const char *text, size_t len);

/* Whether text holds no control character but tabs: no CR, where others may see the end of a line. */
bool http_is_clean(const char *text, size_t len);

#endif
