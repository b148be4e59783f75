/// Files that this process may open from now on.
#pragma once

namespace csvmill {

/// Leaves this process and its later threads the files beneath the current folder, which they may
/// read, write, create and remove; forbids TCP, signals to other processes, and abstract sockets,
/// as far as the system's Landlock can. Returns whether there is a Landlock. Needs `no_new_privs`.
bool restrict_files();

}  // namespace csvmill
