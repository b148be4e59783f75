/// Giving up rights before hostile bytes are read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace csvmill {

/// No new privileges; no network, no exec, no signals to others, no files but those beneath the
/// current folder and descriptors that are open (seccomp, Landlock: where the system has them);
/// limits of memory (bytes), file size (bytes), processes and open files; no core dump. Returns what is in force, such as
/// "seccomp" and "landlock".
std::vector<std::string> confine(std::uint64_t memory, std::uint64_t file_size);

}  // namespace csvmill
