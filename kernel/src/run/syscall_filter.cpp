#include "run/syscall_filter.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace csvmill {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;  // No filter.
#endif

constexpr std::array allowed{
    // Files that are open, and those of the current folder.
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_preadv,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_pwritev,
    SYS_openat,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_unlinkat,
    SYS_getdents64,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_fadvise64,
    SYS_readahead,
    SYS_ppoll,
    SYS_fcntl,
    // Memory. Executable memory is refused below.
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_membarrier,
    // Threads.
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    SYS_gettid,
    SYS_getpid,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    // Signals to itself, clocks, random numbers.
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_uname,
#if defined(__x86_64__)
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_unlink,
    SYS_poll,
    SYS_getdents,
    SYS_time,
    SYS_getrlimit,
#endif
};

constexpr std::array deadly{
    SYS_execve,
    SYS_execveat,
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_bpf,
    SYS_mount,
    SYS_unshare,
    SYS_setns,
    SYS_chroot,
    SYS_pivot_root,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_userfaultfd,
    SYS_perf_event_open,
    SYS_io_uring_setup,
    SYS_pidfd_getfd,
};

/// A program of the Berkeley packet filter on `seccomp_data`.
class Filter {
public:
    Filter() {
        load(offsetof(seccomp_data, arch));
        unless_equal(architecture, SECCOMP_RET_KILL_PROCESS);
        load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
        // System calls of the x32 interface have other numbers.
        add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000U, 0, 1);
        leave(SECCOMP_RET_KILL_PROCESS);
#endif
    }

    /// The outcome of a system call.
    void outcome(long number, std::uint32_t action) {
        add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1);
        leave(action);
    }

    /// Allows a system call if, in its argument `index`, of the bits of `mask` just `bits` are set;
    /// else it fails with EPERM.
    void allow_if(long number, std::size_t index, std::uint32_t mask, std::uint32_t bits) {
        add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 5);
        load(argument(index));
        add(BPF_ALU | BPF_AND | BPF_K, mask);
        add(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1);
        leave(SECCOMP_RET_ALLOW);
        leave(SECCOMP_RET_ERRNO | EPERM);
    }

    bool install(std::uint32_t otherwise) {
        leave(otherwise);
        const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
        return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                         &program) == 0;
    }

private:
    /// Both architectures are little-endian: the lower half of an argument comes first.
    static std::size_t argument(std::size_t index) {
        return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
    }

    void add(int code, std::uint32_t k, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
        code_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, k});
    }

    void load(std::size_t offset) {
        add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
    }

    void leave(std::uint32_t action) { add(BPF_RET | BPF_K, action); }

    void unless_equal(std::uint32_t value, std::uint32_t action) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
        leave(action);
    }

    std::vector<sock_filter> code_;
};

}  // namespace

bool filter_syscalls() {
    if (architecture == 0) return false;
    constexpr std::uint32_t all = 0xFFFFFFFFU;
    Filter filter;
    for (const long number : allowed) filter.outcome(number, SECCOMP_RET_ALLOW);
    filter.allow_if(SYS_mmap, 2, PROT_EXEC, 0);
    filter.allow_if(SYS_mprotect, 2, PROT_EXEC, 0);
    filter.allow_if(SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
    // The flags of clone3 are in memory, where a filter cannot read them: libraries fall back.
    filter.outcome(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    // Limits can be read only, and those of this process.
    filter.allow_if(SYS_prlimit64, 2, all, 0);
    // abort() and raise().
    filter.allow_if(SYS_tgkill, 0, all, static_cast<std::uint32_t>(::getpid()));
    for (const long number : deadly) filter.outcome(number, SECCOMP_RET_KILL_PROCESS);
    return filter.install(SECCOMP_RET_ERRNO | EPERM);
}

}  // namespace csvmill
