/* The kernel kills this process at its first socket, thread, process, folder, or file to write. Opted out, it survives
 * every function of the library. */
#include "check.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENDS(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static void seal(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ENDS(SYS_socket),
        ENDS(SYS_connect),
        ENDS(SYS_clone),
        ENDS(SYS_clone3),
        ENDS(SYS_execve),
        ENDS(SYS_mkdirat),
        ENDS(SYS_renameat2),
#ifdef SYS_mkdir
        ENDS(SYS_mkdir),
        ENDS(SYS_rename),
        ENDS(SYS_fork),
        ENDS(SYS_vfork),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 2 * sizeof(__u64)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program;
    program.len = (unsigned short)(sizeof filter / sizeof *filter);
    program.filter = filter;
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(void)
{
    char text[8192];
    seal();
    for (int round = 0; round < 100; round++) {
        PactTelemetry *client = client_with("");
        int32_t status = track(client, "sealed");
        CHECK(status == PACT_TELEMETRY_DISABLED || status == PACT_TELEMETRY_OK);
        CHECK(pact_telemetry_is_enabled(client) >= 0);
        CHECK(pact_telemetry_explain(client, text, sizeof text) > 0);
        CHECK(pact_telemetry_preview(client, "e", "ProviderTest", "Completed", 1, NULL, NULL, text, sizeof text) > 0);
        CHECK(pact_telemetry_stats(client, text, sizeof text) > 0);
        CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
        CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
        pact_telemetry_flush(client, 10);
        pact_telemetry_close(client, 10);
        pact_telemetry_free(client);
    }
    return 0;
}
