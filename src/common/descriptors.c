/*
** The standard descriptors: see descriptors.h.
*/
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void descriptors_fill(void) {
  int fd;
  for (fd = 0; fd <= 2; fd++) {
    int opened;
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    opened = open("/dev/null", O_RDWR); /* the lowest number that is free */
    if (opened > 2) (void)close(opened); /* another thread was faster */
  }
}
