#include "run/events.hpp"

#include <unistd.h>
#include <cerrno>

namespace csvmill {

namespace {

/// Writes a line to standard output. Ends the process if that is not possible.
void write_line(JsonWriter& event) {
    const std::string line = event.finish() + '\n';
    Bytes left = line;
    while (!left.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
        if (written >= 0) {
            left.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            ::_exit(1);
        }
    }
}

}  // namespace

void Events::send(JsonWriter& event) {
    const std::lock_guard guard(lock_);
    if (!ended_) write_line(event);
}

void Events::send_last(JsonWriter& event) {
    const std::lock_guard guard(lock_);
    if (ended_) return;
    ended_ = true;
    write_line(event);
}

}  // namespace csvmill
