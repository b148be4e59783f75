/// The control pipe: what the service sends, and the sign that it is gone.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace csvmill {

/// Reads lines from the control pipe in a thread of its own. When the pipe ends, the service has
/// ended, and this process exits at once.
class Control {
public:
    explicit Control(int descriptor) : descriptor_(descriptor) {}

    /// Reads the first line in the calling thread. Exits the process if there is none.
    std::string first_line();

    /// Starts the thread.
    void watch();

    /// Waits for the next line. After `watch`.
    std::string next_line();

private:
    std::optional<std::string> read_line();

    int descriptor_;
    std::string pending_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::string> line_;
};

}  // namespace csvmill
