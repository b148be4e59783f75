/// Progress, and the limits of memory and disk, five times a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "run/events.hpp"
#include "run/scratch.hpp"

namespace csvmill {

/// What the threads of an attempt have done so far.
struct Progress {
    std::atomic<std::uint64_t> bytes = 0;  ///< Of the source.
    std::atomic<std::uint64_t> rows = 0;   ///< Read, without the header.
};

/// The largest resident memory of this process so far, in bytes.
std::uint64_t peak_memory();

/// Sends "progress" events from a thread of its own. If the resident memory exceeds the limit, sends
/// "failed" with "out of memory: the limit of a job is {MiB, with commas} MiB (CSVMILL_MEMORY_LIMIT)"
/// and ends the process.
class Monitor {
public:
    Monitor(const Progress& progress, const Scratch& scratch, std::uint64_t memory, Events& events);
    ~Monitor();  ///< Stops the thread.

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace csvmill
