/// Giving up rights before hostile bytes are read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace csvmill {

/// Leaves this process the rights that it needs: descriptors that are open, files in the current
/// folder, threads. To be called before threads start, and after the source has been opened.
///
/// No new privileges and no core dump; limits of memory (bytes, with room beyond it), of the size
/// of a file (bytes) and of open files; where the system has them, Landlock (no other files, no
/// TCP, no signals to others) and seccomp (no sockets, no other programs or processes, no code but
/// its own). `readable` are other files that it may open and read. Returns what is in force:
/// "no_new_privs", "rlimits", "landlock", "seccomp".
std::vector<std::string> confine(std::uint64_t memory, std::uint64_t file_size,
                                 const std::vector<std::string>& readable = {});

}  // namespace csvmill
