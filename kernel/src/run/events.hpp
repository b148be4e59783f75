/// What the kernel tells the service: a JSON object a line, on standard output.
#pragma once

#include <mutex>

#include "run/json.hpp"

namespace csvmill {

/// Writes events, whole and one after another, from any thread.
class Events {
public:
    /// Writes a line, unless the last event has been written. If standard output is closed, the
    /// process ends: no thread waits for it.
    void send(JsonWriter& event);
    /// Writes the last event. Later calls of both do nothing.
    void send_last(JsonWriter& event);

private:
    std::mutex lock_;
    bool ended_ = false;
};

}  // namespace csvmill
