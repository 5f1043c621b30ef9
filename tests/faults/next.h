/* What a library that stands between a process and the C library needs to hand a call on.
 *
 * Include it after `_GNU_SOURCE` is defined.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>

/* Declares `next`: the C library's own function of that name. */
#define NEXT(name) \
  static __typeof__(&name) next = NULL; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Declares `mode`: the last argument of an `open`, which is there only if it may make a file. */
#define OPEN_MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }
