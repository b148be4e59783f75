/// System calls that this process may make from now on.
#pragma once

namespace csvmill {

/// Leaves this process and all its threads the system calls that reading, computing and writing
/// files need. Calls that only an attack makes (to start a program, to open a socket, to control
/// another process) kill it; others fail with EPERM. Returns whether the system has such filters.
/// Needs `no_new_privs`.
bool filter_syscalls();

}  // namespace csvmill
