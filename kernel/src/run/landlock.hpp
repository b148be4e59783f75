/// Files that this process may open from now on.
#pragma once

#include <string>
#include <vector>

namespace csvmill {

/// Leaves this process and its later threads the files beneath the current folder, which they may
/// read, write, create and remove, and the files `readable`, which they may read; forbids TCP,
/// signals to other processes, and abstract sockets, as far as the system's Landlock can. Returns
/// whether there is a Landlock. Needs `no_new_privs`.
bool restrict_files(const std::vector<std::string>& readable = {});

}  // namespace csvmill
