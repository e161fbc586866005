/*
** replies.h: the parser of a server's replies, which is hiredis', under limits. A reply may announce any size: an array
** of a billion elements is rejected before memory is reserved for it, and so is a reply once more bytes of it have
** arrived than allowed. (A long string needs no limit of its own: hiredis reserves memory only for bytes that have
** arrived.) Arrays are nested seven times at most: to free a reply, hiredis calls itself for each level.
*/
#ifndef APIVIDEO_REDIS_REPLIES_H
#define APIVIDEO_REDIS_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/compat_hiredis.h"

typedef struct replies {
  redisReader *reader;                 /* NULL until replies_open */
  redisReplyObjectFunctions functions; /* the reader's own, with a limit for arrays */
  void *(*create_array)(const redisReadTask *, compat_hiredis_count); /* without the limit */
  size_t bytes_max;                                                   /* of one reply */
  size_t bytes;        /* that have arrived of the current reply */
  size_t elements;     /* of its arrays, all together */
  const char *problem; /* why an array was rejected, or NULL */
} replies;

/* Opens a zeroed parser, which must not be moved in memory. Returns false if memory is out. */
bool replies_open(replies *self, size_t bytes_max);
/* Idempotent. */
void replies_close(replies *self);

/* Appends bytes of the server, and returns NULL, or why this failed. */
const char *replies_feed(replies *self, const char *bytes, size_t len);
/* Sets `reply` to the next reply, which the caller must free, or to NULL if it is not complete. Returns NULL, or
   what is wrong with it; the text belongs to the parser. */
const char *replies_next(replies *self, redisReply **reply);
/* Whether bytes of a reply have arrived that replies_next has not returned. */
bool replies_is_partial(const replies *self);

#endif
