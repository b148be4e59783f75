#include "run/landlock.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>

namespace csvmill {

namespace {

// Of linux/landlock.h, whose version on the machine that compiles may be older than the system.
constexpr long create_ruleset = 444;
constexpr long add_rule = 445;
constexpr long restrict_self = 446;
constexpr unsigned query_version = 1;
constexpr int rule_path_beneath = 1;

struct RulesetAttr {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

struct [[gnu::packed]] PathBeneathAttr {
    std::uint64_t allowed = 0;
    std::int32_t folder = -1;
};

constexpr std::uint64_t write_file = 1U << 1U;
constexpr std::uint64_t read_file = 1U << 2U;
constexpr std::uint64_t read_dir = 1U << 3U;
constexpr std::uint64_t remove_file = 1U << 5U;
constexpr std::uint64_t make_reg = 1U << 8U;
constexpr std::uint64_t truncate = 1U << 14U;
constexpr std::uint64_t needed =
    write_file | read_file | read_dir | remove_file | make_reg | truncate;

/// All rights that a version of Landlock knows.
RulesetAttr known_rights(long version) {
    RulesetAttr rights;
    rights.files = (1U << 13U) - 1;               // Version 1.
    if (version >= 2) rights.files |= 1U << 13U;  // Moving to another folder.
    if (version >= 3) rights.files |= truncate;
    if (version >= 4) rights.network = 1U | 2U;   // Binding and connecting TCP.
    if (version >= 5) rights.files |= 1U << 15U;  // Commands to devices.
    if (version >= 6) rights.scoped = 1U | 2U;    // Abstract sockets, signals.
    return rights;
}

/// Allows `rights` on a file or folder. A file that is not there is not allowed.
bool allow(int ruleset, const char* path, std::uint64_t rights, int flags) {
    const int file = ::open(path, O_PATH | O_CLOEXEC | flags);
    if (file < 0) return errno == ENOENT;
    const PathBeneathAttr rule{rights, file};
    const bool allowed = ::syscall(add_rule, ruleset, rule_path_beneath, &rule, 0) == 0;
    ::close(file);
    return allowed;
}

}  // namespace

bool restrict_files(const std::vector<std::string>& readable) {
    const long version = ::syscall(create_ruleset, nullptr, 0, query_version);
    if (version < 1) return false;
    const RulesetAttr rights = known_rights(version);
    const auto ruleset = static_cast<int>(::syscall(create_ruleset, &rights, sizeof rights, 0));
    if (ruleset < 0) return false;
    bool restricted = allow(ruleset, ".", needed & rights.files, O_DIRECTORY);
    for (const std::string& path : readable)
        restricted = restricted && allow(ruleset, path.c_str(), read_file, 0);
    restricted = restricted && ::syscall(restrict_self, ruleset, 0) == 0;
    ::close(ruleset);
    return restricted;
}

}  // namespace csvmill
