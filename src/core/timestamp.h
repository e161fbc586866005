/*
** timestamp.h: RFC 3339 dates and times, such as 2021-01-29T16:46:25.217+01:00, without Lua. Depends on no time
** zone and no locale.
*/
#ifndef APIVIDEO_TIMESTAMP_H
#define APIVIDEO_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a date and time. Beyond RFC 3339, accepts an offset without its colon. Lower-case t and z are accepted,
   and a leap second, as the second after it. Digits of the fraction beyond the ninth are ignored. `seconds` are
   since 1970 and may be negative; `nanoseconds` are 0 to 999999999. Returns false, and writes nothing, for any
   other text. */
bool timestamp_parse(const char *text, size_t len, int64_t *seconds, int32_t *nanoseconds);

#endif
