/// One attempt: from the task to the last event.
#pragma once

#include "run/control.hpp"
#include "run/events.hpp"
#include "run/task.hpp"

namespace csvmill {

/// Runs the task in the current folder. Sends all events; the last one says how it ended.
void run_attempt(const Task& task, int source, const std::vector<std::string>& confined,
                 Control& control, Events& events);

}  // namespace csvmill
