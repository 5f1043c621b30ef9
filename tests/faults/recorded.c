/* A library to be preloaded: it writes down each change that a process makes to files and folders,
 * so that the disk of any moment can be put together again, in each order that a cut may leave.
 *
 * A record is a line `what folder inode offset size name folder name`, and after a write so many
 * bytes. Python and SQLite both call the C library by name, so this sees all that either does but
 * for maps (SQLite's -shm, which no reader needs after a cut).
 * Build: gcc -shared -fPIC -o recorded.so recorded.c -ldl
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "next.h"

static int recording = -1;

/* From now on, into this descriptor; -1 for no more. */
void record_into(int fd) { recording = fd; }

static long inode_at(int at, const char *path, int flags) {
  struct stat found;
  if (syscall(SYS_newfstatat, at, path, &found, flags)) return 0;
  return (long)found.st_ino;
}
static long inode_of(int fd) { return inode_at(fd, "", AT_EMPTY_PATH); }
static long inode_named(int at, const char *path) { return inode_at(at, path, AT_SYMLINK_NOFOLLOW); }

/* The inode of the folder that a path is in, and its last part. */
static long folder_of(int at, const char *path, const char **last) {
  char folder[4096];
  const char *slash = strrchr(path, '/');
  *last = slash ? slash + 1 : path;
  if (!slash) return inode_at(at, ".", 0);
  size_t n = slash == path ? 1 : (size_t)(slash - path);
  memcpy(folder, path, n);
  folder[n] = 0;
  return inode_at(at, folder, 0);
}

static void put(const char *line, int n, const void *bytes, size_t n_bytes) {
  static atomic_flag busy = ATOMIC_FLAG_INIT;
  while (atomic_flag_test_and_set(&busy)) sched_yield();
  syscall(SYS_write, recording, line, n);
  if (n_bytes) syscall(SYS_write, recording, bytes, n_bytes);
  atomic_flag_clear(&busy);
}

static void of_file(const char *what, int fd, off_t at, const void *from, ssize_t n) {
  char line[200];
  if (recording < 0 || n < 0 || fd == recording) return;
  put(line, snprintf(line, sizeof line, "%s 0 %ld %ld %ld - 0 -\n", what, inode_of(fd), (long)at, (long)n), from, n);
}

static void of_names(const char *what, long inode, int at, const char *path, int to_at, const char *to) {
  char line[9000];
  const char *name, *to_name = "-";
  if (recording < 0) return;
  long folder = folder_of(at, path, &name), to_folder = to ? folder_of(to_at, to, &to_name) : 0;
  put(line, snprintf(line, sizeof line, "%s %ld %ld 0 0 %s %ld %s\n", what, folder, inode, name, to_folder, to_name), 0, 0);
}

#define WRAP_OPEN(name, parameters, arguments, at) \
  int name parameters { \
    NEXT(name); \
    OPEN_MODE(flags); \
    int is_new = recording >= 0 && flags & O_CREAT && !inode_named(at, path); \
    int fd = next arguments; \
    if (fd >= 0 && is_new) of_names("create", inode_of(fd), at, path, 0, NULL); \
    return fd; \
  }
WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
WRAP_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)
WRAP_OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)

#define WRAP_WRITE(name, parameters, arguments, at) \
  ssize_t name parameters { \
    NEXT(name); \
    off_t from_at = at; \
    ssize_t n_written = next arguments; \
    of_file("write", fd, from_at, from, n_written); \
    return n_written; \
  }
WRAP_WRITE(write, (int fd, const void *from, size_t n), (fd, from, n), lseek(fd, 0, SEEK_CUR))
WRAP_WRITE(pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), at)
WRAP_WRITE(pwrite64, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), at)

#define WRAP_FILE(name, what, parameters, arguments, at) \
  int name parameters { \
    NEXT(name); \
    int done = next arguments; \
    if (!done) of_file(what, fd, at, NULL, 0); \
    return done; \
  }
WRAP_FILE(ftruncate, "truncate", (int fd, off_t n), (fd, n), n)
WRAP_FILE(ftruncate64, "truncate", (int fd, off_t n), (fd, n), n)
WRAP_FILE(fsync, "sync", (int fd), (fd), 0)
WRAP_FILE(fdatasync, "sync", (int fd), (fd), 0)

#define WRAP_NAME(name, what, parameters, arguments, at, path, to_at, to) \
  int name parameters { \
    NEXT(name); \
    long before = recording >= 0 ? inode_named(at, path) : 0; \
    int done = next arguments; \
    if (!done) of_names(what, before ? before : inode_named(at, path), at, path, to_at, to); \
    return done; \
  }
WRAP_NAME(unlink, "remove", (const char *path), (path), AT_FDCWD, path, 0, NULL)
WRAP_NAME(unlinkat, "remove", (int at, const char *path, int flags), (at, path, flags), at, path, 0, NULL)
WRAP_NAME(rmdir, "remove", (const char *path), (path), AT_FDCWD, path, 0, NULL)
WRAP_NAME(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path, 0, NULL)
WRAP_NAME(mkdirat, "mkdir", (int at, const char *path, mode_t mode), (at, path, mode), at, path, 0, NULL)
WRAP_NAME(link, "link", (const char *path, const char *to), (path, to), AT_FDCWD, path, AT_FDCWD, to)
WRAP_NAME(linkat, "link", (int at, const char *path, int to_at, const char *to, int flags),
          (at, path, to_at, to, flags), at, path, to_at, to)
WRAP_NAME(rename, "rename", (const char *path, const char *to), (path, to), AT_FDCWD, path, AT_FDCWD, to)
WRAP_NAME(renameat, "rename", (int at, const char *path, int to_at, const char *to), (at, path, to_at, to),
          at, path, to_at, to)
