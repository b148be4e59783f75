/// Progress, and the limits of memory and disk, five times a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "output/problems.hpp"
#include "run/events.hpp"
#include "run/scratch.hpp"

namespace csvmill {

/// What the threads of an attempt have done so far.
struct Progress {
    std::atomic<std::uint64_t> bytes = 0;  ///< Of the source.
    std::atomic<std::uint64_t> rows = 0;   ///< Read, without the header.
};

/// Resident memory of this process, now and the largest so far, in bytes. The first call opens
/// files of /proc, so it must precede the confinement (`confine` calls it). Throws AttemptFailed.
std::uint64_t resident_memory();
std::uint64_t peak_memory();

/// "out of memory: the limit of a job is 1,024 MiB (CSVMILL_MEMORY_LIMIT)". `limit` in bytes.
std::string out_of_memory(std::uint64_t limit);

/// Sends "progress" events from a thread of its own. If the resident memory exceeds the limit,
/// sends "failed" with `out_of_memory` and ends the process.
class Monitor {
public:
    /// `confined`: what `confine` returned, for the event "failed".
    Monitor(const Progress& progress, const Problems& problems, const Scratch& scratch,
            std::uint64_t memory, Events& events, std::vector<std::string> confined = {});
    ~Monitor();  ///< Stops the thread.
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace csvmill
