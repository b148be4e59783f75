/// csvmill-kernel FD: aggregates a file, a part of one, or states of parts, as the control pipe FD
/// says.
///
/// kernel/README.md describes the messages. The program reads the file once, and writes its files
/// to the current folder, which should be empty and private.
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "run/attempt.hpp"
#include "run/confine.hpp"
#include "run/control.hpp"
#include "run/events.hpp"
#include "run/monitor.hpp"
#include "run/task.hpp"
#include "text/error.hpp"

#if defined(__SANITIZE_THREAD__)
/// Ends the program at its first data race: its other options may not reach it.
extern "C" const char* __tsan_default_options() { return "halt_on_error=1"; }
#endif

namespace {

int run(int control_descriptor) {
    using namespace csvmill;
    Control control(control_descriptor);
    const Task task = Task::parse(control.first_line());
    int source = STDIN_FILENO;
    if (task.path) {
        source = ::open(task.path->c_str(), O_RDONLY | O_CLOEXEC);
        if (source < 0) throw system_failure("the source could not be opened", errno);
        const auto begin = static_cast<off_t>(task.range.begin);
        if (begin > 0 && ::lseek(source, begin, SEEK_SET) != begin) {
            throw system_failure("the source could not be read", errno);
        }
    }
    peak_memory();  // opens what it reads, which a confined process may not open
    std::vector<std::string> confined;
    if (task.confine) confined = confine(task.memory, task.scratch, task.states);
    control.watch();
    Events events;
    run_attempt({task, source, confined, control, events});
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    int descriptor = -1;
    if (count == 2) {
        const char* text = arguments[1];
        std::from_chars(text, text + std::strlen(text), descriptor);
    }
    if (descriptor < 0) {
        std::fputs("usage: csvmill-kernel FD, where FD is the control pipe\n", stderr);
        return 2;
    }
    int status = 1;
    try {
        status = run(descriptor);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    // Without waiting for the thread that reads the control pipe.
    std::fflush(nullptr);
    std::_Exit(status);
}
