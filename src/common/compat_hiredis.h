/*
** compat_hiredis.h: the only file that depends on hiredis' version. Floor: 0.14 (Debian 11 and 12, Ubuntu 20.04).
**
** The file name of the library contains its version, so the one at run time is the one of the build. The module uses
** the formatter of commands and the reader of replies only, which all versions have: hiredis' own connections resolve
** names with a call that blocks, try one address only, and its TLS (1.0 or newer) does not check the server's name.
*/
#ifndef APIVIDEO_COMPAT_HIREDIS_H
#define APIVIDEO_COMPAT_HIREDIS_H

#include <hiredis/hiredis.h>

#if HIREDIS_MAJOR == 0 && HIREDIS_MINOR < 14
/* cppcheck-suppress preprocessorErrorDirective */
#error "hiredis 0.14 or newer is needed; update the package with its headers"
#endif

/* 1.0.0: the number of elements of an array is a size_t in a reader's functions; before, an int. */
#if HIREDIS_MAJOR >= 1
typedef size_t compat_hiredis_count;
#else
typedef int compat_hiredis_count;
#endif

#define COMPAT_HIREDIS_TEXT(number) #number
#define COMPAT_HIREDIS_JOIN(major, minor, patch)                                                   \
  COMPAT_HIREDIS_TEXT(major) "." COMPAT_HIREDIS_TEXT(minor) "." COMPAT_HIREDIS_TEXT(patch)
/* The version as text: "0.14.1". */
#define COMPAT_HIREDIS_VERSION COMPAT_HIREDIS_JOIN(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH)

#endif
