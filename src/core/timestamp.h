#ifndef APIVIDEO_TIMESTAMP_H
#define APIVIDEO_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
** Reads an RFC 3339 date and time, such as 2021-01-29T16:46:25.217+01:00. Also taken: an offset
** without its colon, lower-case t and z, a leap second (as the second after it). Digits of the
** fraction beyond the ninth are dropped. Seconds are since 1970 and may be negative; nanoseconds are
** 0 to 999999999. False, and nothing written, if the text is anything else.
*/
bool timestamp_parse(const char *text, size_t length, int64_t *seconds, int32_t *nanoseconds);

#endif
