#include "run/confine.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <algorithm>
#include <csignal>

#include "run/landlock.hpp"
#include "run/monitor.hpp"
#include "run/syscall_filter.hpp"

namespace csvmill {

namespace {

// A sanitizer reserves terabytes of address space for itself, and makes system calls of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||
                           __has_feature(memory_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr rlim_t open_files = 1024;
constexpr rlim_t memory_beyond = rlim_t{1} << 30U;  ///< For stacks, and memory that is never used.

bool limit(__rlimit_resource resource, rlim_t value) {
    rlimit limits{};
    if (::getrlimit(resource, &limits) != 0) return false;
    const rlim_t lower = std::min(value, limits.rlim_max);
    const rlimit lowered{lower, lower};
    return ::setrlimit(resource, &lowered) == 0;
}

/// Not RLIMIT_NPROC, which counts all processes of the user. RLIMIT_DATA counts all private memory
/// that can be written, and no mapped files; the monitor enforces the limit itself.
bool set_limits(std::uint64_t memory, std::uint64_t file_size) {
    // Else a file that is too large would end the process without a reason.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlim_t room =
        memory > RLIM_INFINITY / 4 ? RLIM_INFINITY : memory + memory / 2 + memory_beyond;
    const bool data = sanitized || limit(RLIMIT_DATA, room);
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, file_size) &&
           limit(RLIMIT_NOFILE, open_files) && data;
}

}  // namespace

std::vector<std::string> confine(std::uint64_t memory, std::uint64_t file_size,
                                 const std::vector<std::string>& readable) {
    static_cast<void>(resident_memory() + peak_memory());  // They keep their files open.
    std::vector<std::string> in_force;
    // A handler of core dumps ignores RLIMIT_CORE, and would get the data of the file.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (set_limits(memory, file_size)) in_force.emplace_back("rlimits");
    // The following needs it, unless the user is root.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return in_force;
    in_force.emplace_back("no_new_privs");
    if (sanitized) return in_force;
    if (restrict_files(readable)) in_force.emplace_back("landlock");
    if (filter_syscalls()) in_force.emplace_back("seccomp");
    return in_force;
}

}  // namespace csvmill
