#include "run/monitor.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "text/error.hpp"
#include "text/show.hpp"

namespace csvmill {

namespace {

constexpr auto tick = std::chrono::milliseconds(200);

/// A file of /proc/self that is opened once and read again and again.
class ProcFile {
public:
    explicit ProcFile(const char* path) : path_(path) { open(); }

    /// The number that follows `label`, where that is found first, and spaces.
    std::uint64_t number_after(Bytes label) {
        // What a parent opened before a fork is about the parent.
        if (process_ != ::getpid()) open();
        std::array<char, 4096> buffer{};
        const ssize_t size = ::pread(descriptor_, buffer.data(), buffer.size(), 0);
        if (size < 0) throw system_failure(path_, errno);
        const Bytes text(buffer.data(), static_cast<std::size_t>(size));
        std::size_t at = text.find(label);
        at = at == Bytes::npos ? at : text.find_first_not_of(" \t", at + label.size());
        std::uint64_t number = 0;
        if (at != Bytes::npos) {
            const auto read = std::from_chars(text.data() + at, text.data() + text.size(), number);
            if (read.ec == std::errc()) return number;
        }
        throw AttemptFailed(std::string(path_) + " has no number after '" + std::string(label) +
                            "'");
    }

private:
    void open() {
        descriptor_ = ::open(path_, O_RDONLY | O_CLOEXEC);
        if (descriptor_ < 0) throw system_failure(path_, errno);
        process_ = ::getpid();
    }

    const char* path_;
    int descriptor_ = -1;
    pid_t process_ = 0;
};

}  // namespace

std::uint64_t resident_memory() {
    static ProcFile file("/proc/self/statm");
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    // The first number is the size of the address space, the second one the resident memory.
    return file.number_after(" ") * page;
}

std::uint64_t peak_memory() {
    // Not ru_maxrss, which starts with the memory of the parent.
    static ProcFile file("/proc/self/status");
    return file.number_after("\nVmHWM:") << 10U;
}

std::string out_of_memory(std::uint64_t limit) {
    return "out of memory: the limit of a job is " + with_commas(limit >> 20U) +
           " MiB (CSVMILL_MEMORY_LIMIT)";
}

struct Monitor::Impl {
    const Progress& progress;
    const Problems& problems;
    const Scratch& scratch;
    const std::uint64_t memory;
    Events& events;
    const std::vector<std::string> confined;
    std::mutex lock;
    std::condition_variable changed;
    bool ended = false;
    std::thread thread;

    void run() {
        std::unique_lock guard(lock);
        while (!changed.wait_for(guard, tick, [this] { return ended; })) check();
    }

    void check() {
        if (resident_memory() > memory) {
            JsonWriter event;
            event.member("event", "failed").member("reason", out_of_memory(memory));
            add_peaks(event).raw("confined", json_array(confined));
            events.send_last(event);
            ::_exit(0);
        }
        JsonWriter event;
        event.member("event", "progress");
        event.member("done", progress.bytes.load()).member("rows", progress.rows.load());
        const std::uint64_t rejected = problems.count();
        event.member("rejected", rejected);
        if (rejected > 0) event.member("first_problem", problems.first_text());
        events.send(add_peaks(event));
    }

    JsonWriter& add_peaks(JsonWriter& event) const {
        return event.member("peak_memory", peak_memory()).member("peak_scratch", scratch.peak());
    }
};

Monitor::Monitor(const Progress& progress, const Problems& problems, const Scratch& scratch,
                 std::uint64_t memory, Events& events, std::vector<std::string> confined)
    : impl_(new Impl{
          progress, problems, scratch, memory, events, std::move(confined), {}, {}, false, {}}) {
    // An exception in the thread would end the process: without it no limit is enforced.
    static_cast<void>(resident_memory() + peak_memory());
    impl_->thread = std::thread([this] { impl_->run(); });
}

Monitor::~Monitor() {
    {
        const std::lock_guard guard(impl_->lock);
        impl_->ended = true;
    }
    impl_->changed.notify_one();
    impl_->thread.join();
}

}  // namespace csvmill
