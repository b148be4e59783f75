/// Code that a test runs in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

/// How a process ended, and what it wrote to standard output.
struct Ended {
    int exit_code = -1;
    int signal = 0;
    std::string output;
};

/// Runs `code` in a child process, and exits with what it returns.
inline Ended in_child(const std::function<int()>& code) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) return {};
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        ::_exit(code());
    }
    ::close(ends[1]);
    Ended ended;
    char block[4096];
    for (ssize_t size = 0; (size = ::read(ends[0], block, sizeof block)) > 0;) {
        ended.output.append(block, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
    return ended;
}
