#include "run/control.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace csvmill {

std::string Control::first_line() {
    std::optional<std::string> line = read_line();
    if (!line) {
        std::fputs("the control pipe ended before the task\n", stderr);
        std::_Exit(1);
    }
    return *line;
}

void Control::watch() {
    std::thread([this] {
        while (std::optional<std::string> line = read_line()) {
            const std::lock_guard lock(mutex_);
            line_ = std::move(line);
            changed_.notify_one();
        }
        std::_Exit(1);
    }).detach();
}

std::string Control::next_line() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return line_.has_value(); });
    std::string line = std::move(*line_);
    line_.reset();
    return line;
}

std::optional<std::string> Control::read_line() {
    while (true) {
        const std::size_t end = pending_.find('\n');
        if (end != std::string::npos) {
            std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return line;
        }
        char block[1 << 16];
        const ssize_t found = ::read(descriptor_, block, sizeof block);
        if (found < 0 && errno == EINTR) continue;
        if (found <= 0) return std::nullopt;
        pending_.append(block, static_cast<std::size_t>(found));
    }
}

}  // namespace csvmill
