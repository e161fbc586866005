/*
** json_names.h: comparison of an object's member names by their decoded bytes.
*/
#ifndef APIVIDEO_JSON_NAMES_H
#define APIVIDEO_JSON_NAMES_H

#include "json_value.h"

/* Finds the first member name of `object` that equals an earlier one; NULL if all are unique. `bytes` is the
   input, and `end` the end of the object's entries. Sorts the names, so that hostile names take no longer than
   others. */
const char *json_find_duplicate(const char *bytes, const json_value *object, const json_value *end);

#endif
