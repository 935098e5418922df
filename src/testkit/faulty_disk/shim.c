/* Preloaded into a daemon: makes calls to the disk fail on command.
 *
 * HEKA_FAULTS names a file of RULES rules, mapped here and written by the test. A rule fails the calls of one kind on
 * paths that contain a text, `left` times (-1: always), with `error`; an error of 0 lets the call through after
 * `delay_ms`. Each time a rule strikes, `hits` counts it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, WRITE, FALLOCATE, SYNC, RENAME, UNLINK, TRUNCATE, ACCEPT, SOCKET, READ };
enum { RULES = 16, TEXT = 236 };

struct rule {
    int32_t left;
    int32_t call;
    int32_t error;
    uint32_t delay_ms;
    uint32_t hits;
    char text[TEXT];
};

static struct rule *rules;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("HEKA_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *map = mmap(NULL, RULES * sizeof(struct rule), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) __atomic_store_n(&rules, map, __ATOMIC_RELEASE);
}

/* Whether the rule strikes once more. */
static int take(struct rule *rule) {
    int32_t left = __atomic_load_n(&rule->left, __ATOMIC_ACQUIRE);
    while (left != 0) {
        if (left < 0) break;
        if (__atomic_compare_exchange_n(&rule->left, &left, left - 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) break;
    }
    if (left == 0) return 0;
    __atomic_add_fetch(&rule->hits, 1, __ATOMIC_ACQ_REL);
    return 1;
}

/* The error that a call of this kind is to fail with; 0 for none. */
static int fault(int call, int fd, const char *path) {
    struct rule *all = __atomic_load_n(&rules, __ATOMIC_ACQUIRE);
    if (!all) return 0;
    char name[4096] = "";
    for (struct rule *rule = all; rule < all + RULES; rule++) {
        if (__atomic_load_n(&rule->left, __ATOMIC_ACQUIRE) == 0 || rule->call != call) continue;
        if (!path && !name[0]) {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t len = readlink(link, name, sizeof name - 1);
            name[len < 0 ? 0 : len] = 0;
        }
        if (!strstr(path ? path : name, rule->text) || !take(rule)) continue;
        if (rule->delay_ms) {
            struct timespec pause = {rule->delay_ms / 1000, rule->delay_ms % 1000 * 1000000L};
            while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
            }
        }
        if (rule->error) return rule->error;
    }
    return 0;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAIL(call, fd, path) \
    do { \
        int error = fault(call, fd, path); \
        if (error) { \
            errno = error; \
            return -1; \
        } \
    } while (0)

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        FAIL(OPEN, -1, path); \
        return real(path, flags, mode); \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        FAIL(OPEN, -1, path); \
        return real(dir, path, flags, mode); \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

#define CALL(result, name, declared, call, fd, path, passed) \
    result name declared { \
        REAL(name); \
        FAIL(call, fd, path); \
        return real passed; \
    }

CALL(ssize_t, write, (int fd, const void *bytes, size_t len), WRITE, fd, NULL, (fd, bytes, len))
CALL(ssize_t, writev, (int fd, const struct iovec *parts, int count), WRITE, fd, NULL, (fd, parts, count))
CALL(ssize_t, pwrite, (int fd, const void *bytes, size_t len, off_t at), WRITE, fd, NULL, (fd, bytes, len, at))
CALL(ssize_t, pwrite64, (int fd, const void *bytes, size_t len, off64_t at), WRITE, fd, NULL, (fd, bytes, len, at))
CALL(ssize_t, read, (int fd, void *bytes, size_t len), READ, fd, NULL, (fd, bytes, len))
CALL(ssize_t, pread64, (int fd, void *bytes, size_t len, off64_t at), READ, fd, NULL, (fd, bytes, len, at))
CALL(int, fallocate, (int fd, int mode, off_t at, off_t len), FALLOCATE, fd, NULL, (fd, mode, at, len))
CALL(int, fallocate64, (int fd, int mode, off64_t at, off64_t len), FALLOCATE, fd, NULL, (fd, mode, at, len))
CALL(int, fdatasync, (int fd), SYNC, fd, NULL, (fd))
CALL(int, fsync, (int fd), SYNC, fd, NULL, (fd))
CALL(int, rename, (const char *from, const char *to), RENAME, -1, to, (from, to))
CALL(int, unlink, (const char *path), UNLINK, -1, path, (path))
CALL(int, ftruncate, (int fd, off_t len), TRUNCATE, fd, NULL, (fd, len))
CALL(int, ftruncate64, (int fd, off64_t len), TRUNCATE, fd, NULL, (fd, len))
CALL(int, accept4, (int fd, struct sockaddr *from, socklen_t *len, int flags), ACCEPT, fd, NULL, (fd, from, len, flags))
CALL(int, socket, (int domain, int type, int protocol), SOCKET, -1, "", (domain, type, protocol))
