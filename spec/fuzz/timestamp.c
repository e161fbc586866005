/*
** Fuzz target: dates. An accepted date is the same as in the calendar of the C library, and is read as the same time
** when it is formatted in UTC.
*/
#include "../../src/core/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "state.h"

/* The seconds of a date without its offset, by the C library. Checks that the day exists. */
static int64_t reference(const char *text) {
  struct tm date, taken;
  int64_t seconds;
  memset(&date, 0, sizeof date);
  FUZZ_CHECK(strptime(text, "%Y-%m-%dT%H:%M:%S", &date) == text + strlen(text));
  taken = date;
  seconds = (int64_t)timegm(&date);
  FUZZ_CHECK(taken.tm_sec == 60 || (taken.tm_mday == date.tm_mday && taken.tm_hour == date.tm_hour));
  return seconds;
}

/* Formats seconds as a date in UTC. */
static void write_date(int64_t seconds, int32_t nanoseconds, char *out, size_t size) {
  const time_t time = (time_t)seconds;
  struct tm date;
  FUZZ_CHECK(gmtime_r(&time, &date) != NULL);
  (void)snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", date.tm_year + 1900,
                 date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
                 (int)nanoseconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[128] = "";
  int64_t seconds = -1, again = -1, difference;
  int32_t nanoseconds = -1, nanoseconds_again = -1;
  if (!timestamp_parse((const char *)data, size, &seconds, &nanoseconds)) {
    FUZZ_CHECK(seconds == -1 && nanoseconds == -1); /* nothing was written */
    return 0;
  }
  FUZZ_CHECK(size >= 20 && nanoseconds >= 0 && nanoseconds <= 999999999);
  memcpy(text, data, 19); /* 2021-01-29T16:46:25 */
  text[10] = 'T';         /* or t */
  difference = reference(text) - seconds;
  FUZZ_CHECK(difference % 60 == 0 && difference > -86400 && difference < 86400);
  write_date(seconds, nanoseconds, text, sizeof text);
  if (text[0] == '-' || text[4] != '-') return 0; /* the offset leads to a year without four digits */
  FUZZ_CHECK(timestamp_parse(text, strlen(text), &again, &nanoseconds_again));
  FUZZ_CHECK(again == seconds && nanoseconds_again == nanoseconds);
  return 0;
}
