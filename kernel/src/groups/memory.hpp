/// Memory that is counted, and given back at once.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace csvmill {

/// The memory that one thread may use for groups and values, in bytes. Not shared by threads.
class Budget {
public:
    explicit Budget(std::size_t limit) : limit_(limit) {}
    void take(std::size_t bytes) { used_ += bytes; }
    /// Not below zero: memory that another budget counts may be given back to this one.
    void give(std::size_t bytes) { used_ -= bytes < used_ ? bytes : used_; }
    std::size_t used() const { return used_; }
    std::size_t limit() const { return limit_; }
    bool fits(std::size_t bytes) const { return used_ + bytes <= limit_; }
    bool exceeded() const { return refused_ || used_ > limit_; }

    /// Makes it exceeded until `accept`: the next allocation would not fit, and was put off.
    void refuse() { refused_ = true; }
    void accept() { refused_ = false; }

private:
    std::size_t limit_;
    std::size_t used_ = 0;
    bool refused_ = false;
};

/// What one owner has taken from its budget, which it gives back at the end.
class Account {
public:
    explicit Account(Budget& budget) : budget_(&budget) {}
    ~Account() { settle(); }
    Account(Account&& other) noexcept : budget_(other.budget_), taken_(other.taken_) {
        other.taken_ = 0;
    }
    Account& operator=(Account&&) = delete;

    void take(std::size_t bytes) { take(bytes, *budget_); }

    /// Takes from `budget`. The account gives back only what it took from its own: the budget of a
    /// thread that merges tables may end before them.
    void take(std::size_t bytes, Budget& budget) {
        budget.take(bytes);
        if (&budget == budget_) adopt(bytes);
    }
    /// Adds what was taken from its budget without it, or subtracts what was given back.
    void adopt(std::size_t bytes) { taken_ += static_cast<std::ptrdiff_t>(bytes); }
    /// Leaves all to `other`, an account of the same budget, and takes from `budget` from now on.
    void move_to(Account& other, Budget& budget) {
        other.taken_ += std::exchange(taken_, std::ptrdiff_t{0});
        budget_ = &budget;
    }
    void settle() {
        if (taken_ > 0) budget_->give(static_cast<std::size_t>(taken_));
        taken_ = 0;
    }
    Budget& budget() const { return *budget_; }

private:
    Budget* budget_;
    std::ptrdiff_t taken_ = 0;
};

/// Zeroed memory. Small pieces are from the heap, larger ones are pages of their own, which go back
/// to the system when they are freed. If `huge`, pieces of 2 MiB and more are on huge pages, if the
/// system has them (madvise).
class Pages {
public:
    Pages() = default;
    explicit Pages(std::size_t bytes, bool huge = true);
    ~Pages();
    Pages(Pages&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          huge_(other.huge_) {}
    Pages& operator=(Pages&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(huge_, other.huge_);
        return *this;
    }

    /// Changes the size; the memory may move. Pages are moved, not copied. What is added is zeroed.
    void resize(std::size_t bytes);
    /// Gives whole pages of a part back to the system, which must not be used any more.
    void discard(std::size_t begin, std::size_t bytes);

    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    bool huge_ = false;  ///< Whether it is to be on huge pages once it is large.
};

/// Allocates many small objects. Chunks grow from 4 KiB to 2 MiB, so that a small file is cheap;
/// large ones are on huge pages.
class Arena {
public:
    explicit Arena(Budget& budget) : account_(budget) {}

    /// `bytes` bytes, aligned to 8. Larger objects than chunks have chunks of their own.
    std::byte* allocate(std::size_t bytes) {
        bytes = (bytes + 7) & ~std::size_t{7};
        if (bytes > static_cast<std::size_t>(end_ - next_)) return allocate_chunk(bytes);
        return std::exchange(next_, next_ + bytes);
    }
    /// Frees all.
    void clear();
    /// The pieces of memory that it has allocated. In each, objects follow one another as they were
    /// allocated, their sizes rounded up to 8.
    std::vector<std::span<std::byte>> pieces() const;
    /// Gives back what it took from the budget, but keeps the memory: another owner has it now.
    void settle() { account_.settle(); }

private:
    struct Chunk {
        Pages pages;
        std::size_t used;  ///< Bytes; those of the current chunk are known by `next_`.
    };
    std::byte* allocate_chunk(std::size_t bytes);

    Account account_;
    std::vector<Chunk> chunks_;
    std::size_t current_ = 0;  ///< The chunk that `next_` is in, if there is one.
    std::size_t size_ = 0;     ///< Of all chunks.
    std::size_t chunk_size_ = 0;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
};

}  // namespace csvmill
