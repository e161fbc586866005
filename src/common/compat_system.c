/*
** Functions that depend on the operating system: see compat_system.h.
*/
#include "compat_system.h"

#include <stddef.h>

#ifdef __linux__
#include <sys/vfs.h>

/* Numbers of linux/magic.h, which lacks some, and those of the file systems themselves. */
static const struct {
  unsigned long type; /* f_type of statfs, whose upper half is a sign extension on some systems */
  const char *name;
} kinds[] = {
    {0x6969, "NFS"},       {0xFF534D42, "SMB"},    {0xFE534D42, "SMB"},
    {0x517B, "SMB"},       {0x01021997, "9P"},     {0x65735546, "FUSE"},
    {0x00C36400, "Ceph"},  {0x5346414F, "AFS"},    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},  {0x0BD00BD0, "Lustre"}, {0x786F4256, "vboxsf"},
    {0x19830326, "FhGFS"}, {0x47504653, "GPFS"},   {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"}, {0x564C, "NCP"},        {0xBACBACBC, "VMware HGFS"},
};

const char *compat_network_file_system(const char *path) {
  struct statfs status;
  size_t i;
  if (statfs(path, &status) != 0) return NULL;
  for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (((unsigned long)status.f_type & 0xFFFFFFFFUL) == kinds[i].type) return kinds[i].name;
  return NULL;
}
#elif defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/param.h>
#include <sys/mount.h>

const char *compat_network_file_system(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 && (status.f_flags & MNT_LOCAL) == 0 ? "a network file system"
                                                                         : NULL;
}
#else
const char *compat_network_file_system(const char *path) {
  (void)path;
  return NULL;
}
#endif
