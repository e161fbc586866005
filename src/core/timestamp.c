/*
** RFC 3339 dates and times: see timestamp.h.
*/
#include "timestamp.h"

#include <assert.h>

typedef struct cursor {
  const char *at, *end;
} cursor;

/* Consumes one byte if it is `a` or `b`. */
static bool take(cursor *c, char a, char b) {
  if (c->at == c->end || (*c->at != a && *c->at != b)) return false;
  c->at++;
  return true;
}

/* Consumes exactly `digits` digits; false unless their value is between `low` and `high`. */
static bool take_number(cursor *c, int digits, int low, int high, int *number) {
  int value = 0;
  if (c->end - c->at < digits) return false;
  for (; digits > 0; digits--, c->at++) {
    if (*c->at < '0' || *c->at > '9') return false;
    value = value * 10 + (*c->at - '0');
  }
  *number = value;
  return value >= low && value <= high;
}

/* Leap days from a fixed year before year 0 to the end of `year`, -1 or later. */
static int leap_days(int year) {
  assert(year >= -1);
  year += 400;
  return year / 4 - year / 100 + year / 400;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_since_1970(int year, int month, int day) {
  static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const int leaps = leap_days(month > 2 ? year : year - 1) - leap_days(1970);
  return INT64_C(365) * (year - 1970) + leaps + before[month - 1] + day - 1;
}

static int days_in_month(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap);
}

/* Consumes a fraction, if there is one: a point and at least one digit. */
static bool take_fraction(cursor *c, int32_t *nanoseconds) {
  int32_t unit = 100000000;
  *nanoseconds = 0;
  if (!take(c, '.', '.')) return true;
  if (c->at == c->end || *c->at < '0' || *c->at > '9') return false;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, unit /= 10)
    *nanoseconds += (*c->at - '0') * unit;
  return true;
}

/* Consumes an offset: Z, +01:00 or +0100. */
static bool take_offset(cursor *c, int *seconds) {
  const bool west = c->at < c->end && *c->at == '-';
  int hours, minutes;
  *seconds = 0;
  if (take(c, 'Z', 'z')) return true;
  if (!take(c, '+', '-') || !take_number(c, 2, 0, 23, &hours)) return false;
  (void)take(c, ':', ':');
  if (!take_number(c, 2, 0, 59, &minutes)) return false;
  *seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return true;
}

bool timestamp_parse(const char *text, size_t len, int64_t *seconds, int32_t *nanoseconds) {
  cursor c = {text, text + len};
  int year, month, day, hour, minute, second, offset;
  int32_t fraction;
  if (!take_number(&c, 4, 0, 9999, &year) || !take(&c, '-', '-') ||
      !take_number(&c, 2, 1, 12, &month) || !take(&c, '-', '-') ||
      !take_number(&c, 2, 1, days_in_month(year, month), &day) || !take(&c, 'T', 't') ||
      !take_number(&c, 2, 0, 23, &hour) || !take(&c, ':', ':') ||
      !take_number(&c, 2, 0, 59, &minute) || !take(&c, ':', ':') ||
      !take_number(&c, 2, 0, 60, &second) || !take_fraction(&c, &fraction) ||
      !take_offset(&c, &offset) || c.at != c.end)
    return false;
  *seconds =
      days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  assert(fraction >= 0 && fraction <= 999999999);
  *nanoseconds = fraction;
  return true;
}
