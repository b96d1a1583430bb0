/* Loaded before a program (LD_PRELOAD). Makes calls of its libraries fail at random, once the program turns that on
 * with faults_switch. FAULTS has the names of the calls, each with how many of a thousand fail, such as
 * `write=100,connect=500`. FAULT_SEED is a number that makes a run repeatable, as far as threads allow. `slow` is not a
 * call: that many of a thousand renames take 600 ms. `malloc` stands for every allocation, also in the C library. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int is_on = 0;
static uint64_t calls = 0, synced = 0;

/* How often a call asked to sync a file to the disk. */
uint64_t faults_synced(void);
uint64_t faults_synced(void)
{
    return __atomic_load_n(&synced, __ATOMIC_RELAXED);
}

void faults_switch(int on);
void faults_switch(int on)
{
    __atomic_store_n(&is_on, on, __ATOMIC_SEQ_CST);
}

/* A number that depends on the seed and on how many calls came before (splitmix64). */
static uint64_t chance(void)
{
    const char *seed = getenv("FAULT_SEED");
    uint64_t z = seed == NULL ? 0 : strtoull(seed, NULL, 10);
    z += 0x9e3779b97f4a7c15ull * (1 + __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED));
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static int fails(const char *name)
{
    const char *faults = getenv("FAULTS"), *at;
    if (!__atomic_load_n(&is_on, __ATOMIC_SEQ_CST) || faults == NULL) {
        return 0;
    }
    size_t length = strlen(name);
    for (at = strstr(faults, name); at != NULL; at = strstr(at + 1, name)) {
        if ((at == faults || at[-1] == ',') && at[length] == '=') {
            return chance() % 1000 < strtoull(at + length + 1, NULL, 10);
        }
    }
    return 0;
}

static int failed(int why)
{
    errno = why;
    return -1;
}

/* `real`: the function of that name that would be called without this file. */
#define REAL(name) \
    static __typeof__(name) *real = NULL; \
    if (real == NULL) { \
        void *found = dlsym(RTLD_NEXT, #name); \
        memcpy(&real, &found, sizeof found); \
    } \
    (void)0

ssize_t write(int fd, const void *bytes, size_t size)
{
    REAL(write);
    if (fd > STDERR_FILENO && fails("write")) {
        return chance() % 2 == 0 || size < 2 ? failed(ENOSPC) : real(fd, bytes, size / 2);
    }
    return real(fd, bytes, size);
}

static int any_open(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = NULL;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof found);
    /* A choice that cannot be read may count as an opt-out, as it should, so its file can always be opened. */
    if (strstr(path, "choice.json") == NULL && fails("open")) {
        return failed(chance() % 2 == 0 ? EMFILE : EIO);
    }
    return real(path, flags, mode);
}

#define MODE(flags) \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; \
    va_end(more)

int open(const char *path, int flags, ...)
{
    MODE(flags);
    return any_open("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags);
    return any_open("open64", path, flags, mode);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    if (fails("slow")) {
        usleep(600 * 1000);
    }
    return fails("rename") ? failed(EIO) : real(from, to);
}

int unlink(const char *path)
{
    REAL(unlink);
    return fails("unlink") ? failed(EIO) : real(path);
}

/* Also counts the calls, because fsync may take any time, so the library must not call it. */
static int fails_to_sync(void)
{
    __atomic_fetch_add(&synced, 1, __ATOMIC_RELAXED);
    return fails("fsync");
}

int fsync(int fd)
{
    REAL(fsync);
    return fails_to_sync() ? failed(EIO) : real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return fails_to_sync() ? failed(EIO) : real(fd);
}

int flock(int fd, int operation)
{
    REAL(flock);
    return fails("flock") ? failed(ENOLCK) : real(fd, operation);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    REAL(connect);
    return fails("connect") ? failed(ECONNREFUSED) : real(fd, address, length);
}

int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return fails("socket") ? failed(EMFILE) : real(domain, type, protocol);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    REAL(send);
    return fails("send") ? failed(EPIPE) : real(fd, bytes, size, flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    REAL(recv);
    return fails("recv") ? failed(ECONNRESET) : real(fd, bytes, size, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    REAL(pthread_create);
    return fails("pthread_create") ? EAGAIN : real(thread, attributes, start, argument);
}

/* The real functions by glibc's other names, because dlsym itself may allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *start, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return fails("malloc") ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails("malloc") ? no_memory() : __libc_calloc(count, size);
}

void *realloc(void *start, size_t size)
{
    return fails("malloc") ? no_memory() : __libc_realloc(start, size);
}

int posix_memalign(void **start, size_t alignment, size_t size)
{
    *start = fails("malloc") ? NULL : __libc_memalign(alignment, size);
    return *start == NULL ? ENOMEM : 0;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    REAL(mmap);
    if (fails("mmap")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return real(address, size, protection, flags, fd, offset);
}
