/* Counts what a process asks the kernel to bring to the disk; loaded before libc (LD_PRELOAD) so that every side is counted alike. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/mman.h>

static atomic_long asked;

long peers_syncs(void) { return atomic_load(&asked); }

int fsync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  atomic_fetch_add(&asked, 1);
  return next(fd);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  atomic_fetch_add(&asked, 1);
  return next(fd);
}

int msync(void *at, size_t length, int flags) {
  static int (*next)(void *, size_t, int);
  if (!next) next = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync");
  if (flags & MS_SYNC) atomic_fetch_add(&asked, 1);
  return next(at, length, flags);
}
