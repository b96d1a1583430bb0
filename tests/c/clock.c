/* Loaded before a program (LD_PRELOAD). Sets the wall clock back and forth: after every few calls it shows another time
 * within the last CLOCK_SECONDS or, with CLOCK_WILD, within as many seconds in both directions. With CLOCK_AHEAD it is
 * that many seconds ahead all the time. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static uint64_t calls = 0;

static long long offset(void)
{
    const char *range = getenv("CLOCK_SECONDS"), *ahead = getenv("CLOCK_AHEAD");
    long long most = range == NULL ? 0 : atoll(range);
    uint64_t z = 0x9e3779b97f4a7c15ull * (1 + __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) / 3);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z ^= z >> 31;
    if (most == 0) {
        return ahead == NULL ? 0 : atoll(ahead);
    }
    return getenv("CLOCK_WILD") == NULL ? -(long long)(z % (uint64_t)most)
                                        : most - (long long)(z % (uint64_t)(2 * most));
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *) = NULL;
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "clock_gettime");
        memcpy(&real, &found, sizeof found);
    }
    int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += offset();
    }
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
