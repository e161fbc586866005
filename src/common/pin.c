/*
** A module that stays mapped: see pin.h.
*/
#include "pin.h"

#include <dlfcn.h>
#include <stddef.h>

static const char anchor = 0; /* an address within this shared object */

void pin_module(void) {
  Dl_info object;
  void *handle;
  if (dladdr(&anchor, &object) == 0) return;
  handle = dlopen(object.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (handle != NULL) (void)dlclose(handle); /* RTLD_NODELETE stays in effect */
}
