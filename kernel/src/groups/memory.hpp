/// Memory that is counted, and given back at once.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace csvmill {

/// The memory that one thread may use for groups and values, in bytes. Not shared by threads.
class Budget {
public:
    explicit Budget(std::size_t limit) : limit_(limit) {}
    void take(std::size_t bytes) { used_ += bytes; }
    void give(std::size_t bytes) { used_ -= bytes; }
    std::size_t used() const { return used_; }
    bool exceeded() const { return used_ > limit_; }

private:
    std::size_t limit_;
    std::size_t used_ = 0;
};

/// Allocates many small objects. Chunks grow from 4 KiB to 1 MiB, so that a small file is cheap;
/// large ones are on huge pages where the system has them (madvise).
class Arena {
public:
    explicit Arena(Budget& budget);
    ~Arena();
    Arena(Arena&&) noexcept;
    Arena& operator=(Arena&&) noexcept;

    /// `bytes` bytes, aligned to 8.
    std::byte* allocate(std::size_t bytes);
    /// Frees all.
    void clear();

private:
    struct Chunk;
    Budget* budget_;
    std::vector<Chunk> chunks_;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
};

}  // namespace csvmill
