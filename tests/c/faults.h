/* How a program talks to the library that makes calls fail (faults.c), if that was preloaded. */
#ifndef FAULTS_H
#define FAULTS_H

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

/* Turns the failures on or off. Returns 0 if that library is not preloaded. */
static inline int switch_faults(int on)
{
    void (*faults_switch)(int) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "faults_switch");
    if (found != NULL) {
        memcpy(&faults_switch, &found, sizeof found);
        faults_switch(on);
    }
    return found != NULL;
}

/* How often fsync was called. */
static inline uint64_t faults_synced(void)
{
    uint64_t (*synced)(void) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "faults_synced");
    memcpy(&synced, &found, sizeof found);
    return synced == NULL ? 0 : synced();
}

#endif
