/* A library to be preloaded: it stands between a process and the C library, counts the calls that
 * reach for files, and fails the ones that it is asked to.
 *
 * Python and SQLite both call the C library by name, so this sees every system call of either
 * that has to do with files. Build: gcc -shared -fPIC -o interposed.so interposed.c -ldl
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "next.h"

static atomic_int calls;              /* since the last fault_arm */
static int first = -1, how = 0, stays = 0;
static const char *failed = "", *only = NULL;
static atomic_int n_failed;

#define SHORT -1 /* instead of an errno: write half */

/* Fail the `at`-th call from now on with an errno, and all later ones if `always`; -1 for none. */
void fault_arm(int at, int code, int always) {
  first = -1;
  failed = "";
  atomic_store(&n_failed, 0);
  how = code;
  stays = always;
  atomic_store(&calls, 0);
  first = at;
}
int fault_calls(void) { return atomic_load(&calls); }
const char *fault_failed(void) { return failed; }
int fault_failed_calls(void) { return atomic_load(&n_failed); }

/* Count and fail calls alone whose name begins so. */
void fault_only(const char *name) { only = strdup(name); }

static int fails(const char *name, int is_write) {
  if (only && strncmp(name, only, strlen(only))) return 0;
  int number = atomic_fetch_add(&calls, 1);
  if (first < 0 || number < first || (number > first && !stays)) return 0;
  if (how == SHORT && !is_write) {
    /* Not a call that can be cut short: the next one that can is. */
    if (!stays) first = number + 1;
    return 0;
  }
  if (!*failed) failed = name;
  atomic_fetch_add(&n_failed, 1);
  if (how != SHORT) errno = how;
  return 1;
}

#define WRAP(type, name, parameters, arguments, failure) \
  type name parameters { \
    NEXT(name); \
    if (fails(#name, 0)) return failure; \
    return next arguments; \
  }

/* Half of what was asked for, where half is something. */
#define WRAP_WRITE(name, parameters, arguments, halved) \
  ssize_t name parameters { \
    NEXT(name); \
    if (fails(#name, n > 1)) { \
      if (how == SHORT) return next halved; \
      return -1; \
    } \
    return next arguments; \
  }

#define WRAP_OPEN(name, parameters, arguments) \
  int name parameters { \
    NEXT(name); \
    OPEN_MODE(flags); \
    if (fails(#name, 0)) return -1; \
    return next arguments; \
  }

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
WRAP_OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
WRAP(int, __open_2, (const char *path, int flags), (path, flags), -1)
WRAP(int, __open64_2, (const char *path, int flags), (path, flags), -1)
WRAP(int, __openat_2, (int at, const char *path, int flags), (at, path, flags), -1)
WRAP(int, __openat64_2, (int at, const char *path, int flags), (at, path, flags), -1)

/* A descriptor is gone all the same, as Linux has it. */
int close(int fd) {
  NEXT(close);
  int failing = fails("close", 0), code = errno;
  int closed = next(fd);
  if (!failing) return closed;
  errno = code;
  return -1;
}

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off_t, size_t);
WRAP(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n), -1)
WRAP(ssize_t, __read_chk, (int fd, void *to, size_t n, size_t m), (fd, to, n, m), -1)
WRAP(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1)
WRAP(ssize_t, pread64, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1)
WRAP(ssize_t, __pread64_chk, (int fd, void *to, size_t n, off_t at, size_t m), (fd, to, n, at, m), -1)
WRAP_WRITE(write, (int fd, const void *from, size_t n), (fd, from, n), (fd, from, n / 2))
WRAP_WRITE(pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), (fd, from, n / 2, at))
WRAP_WRITE(pwrite64, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), (fd, from, n / 2, at))

WRAP(int, fsync, (int fd), (fd), -1)
WRAP(int, fdatasync, (int fd), (fd), -1)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), -1)
WRAP(int, ftruncate64, (int fd, off_t n), (fd, n), -1)
WRAP(off_t, lseek, (int fd, off_t to, int from), (fd, to, from), -1)
WRAP(off_t, lseek64, (int fd, off_t to, int from), (fd, to, from), -1)
WRAP(int, flock, (int fd, int operation), (fd, operation), -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1)

WRAP(int, link, (const char *path, const char *to), (path, to), -1)
WRAP(int, linkat, (int at, const char *path, int to_at, const char *to, int flags), (at, path, to_at, to, flags), -1)
WRAP(int, rename, (const char *path, const char *to), (path, to), -1)
WRAP(int, renameat, (int at, const char *path, int to_at, const char *to), (at, path, to_at, to), -1)
WRAP(int, unlink, (const char *path), (path), -1)
WRAP(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), -1)
WRAP(int, rmdir, (const char *path), (path), -1)
WRAP(int, access, (const char *path, int mode), (path, mode), -1)
WRAP(int, faccessat, (int at, const char *path, int mode, int flags), (at, path, mode, flags), -1)
WRAP(ssize_t, readlink, (const char *path, char *to, size_t n), (path, to, n), -1)
WRAP(ssize_t, readlinkat, (int at, const char *path, char *to, size_t n), (at, path, to, n), -1)

WRAP(int, stat, (const char *path, struct stat *to), (path, to), -1)
WRAP(int, lstat, (const char *path, struct stat *to), (path, to), -1)
WRAP(int, fstat, (int fd, struct stat *to), (fd, to), -1)
WRAP(int, fstatat, (int at, const char *path, struct stat *to, int flags), (at, path, to, flags), -1)
WRAP(int, stat64, (const char *path, struct stat64 *to), (path, to), -1)
WRAP(int, lstat64, (const char *path, struct stat64 *to), (path, to), -1)
WRAP(int, fstat64, (int fd, struct stat64 *to), (fd, to), -1)
WRAP(int, fstatat64, (int at, const char *path, struct stat64 *to, int flags), (at, path, to, flags), -1)

WRAP(DIR *, opendir, (const char *path), (path), NULL)
WRAP(DIR *, fdopendir, (int fd), (fd), NULL)
WRAP(struct dirent *, readdir, (DIR *folder), (folder), NULL)
WRAP(struct dirent64 *, readdir64, (DIR *folder), (folder), NULL)

/* Of files only: memory is asked for in the same way. */
#define WRAP_MMAP(name) \
  void *name(void *at, size_t n, int protection, int flags, int fd, off_t from) { \
    NEXT(name); \
    if (fd >= 0 && fails(#name, 0)) return MAP_FAILED; \
    return next(at, n, protection, flags, fd, from); \
  }
WRAP_MMAP(mmap)
WRAP_MMAP(mmap64)

/* Locks and duplicates; the third argument is a pointer or a number, which takes the same room.
 * Letting a lock go never fails. */
static int can_fail(int command, void *argument) {
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return 1;
  if (command != F_SETLK && command != F_SETLKW) return 0;
  return ((struct flock *)argument)->l_type != F_UNLCK;
}
#define WRAP_FCNTL(name) \
  int name(int fd, int command, ...) { \
    NEXT(name); \
    va_list rest; \
    va_start(rest, command); \
    void *argument = va_arg(rest, void *); \
    va_end(rest); \
    if (can_fail(command, argument) && fails(#name, 0)) return -1; \
    return next(fd, command, argument); \
  }
WRAP_FCNTL(fcntl)
WRAP_FCNTL(fcntl64)
