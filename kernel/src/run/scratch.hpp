/// The files of an attempt, in its private folder, and their size.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "text/bytes.hpp"

namespace csvmill {

/// The limit of disk for all files of an attempt. Used by all threads.
class Scratch {
public:
    explicit Scratch(std::uint64_t limit) : limit_(limit) {}

    /// Counts bytes before they are written. Throws AttemptFailed: "out of scratch disk: the limit
    /// of a job is {limit, with commas between thousands} bytes (CSVMILL_SCRATCH_LIMIT)".
    void take(std::uint64_t bytes);
    void give(std::uint64_t bytes);
    std::uint64_t peak() const { return peak_; }
    std::uint64_t limit() const { return limit_; }

    /// A name in the current folder that no other call returns, such as "state-3".
    std::string new_name(const char* kind);

private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<std::uint64_t> peak_ = 0;
    std::atomic<std::uint64_t> names_ = 0;
};

}  // namespace csvmill
