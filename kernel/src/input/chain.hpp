/// What a block needs to know of the blocks before it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

namespace csvmill {

/// The end of a block: the start of the record that goes on in the next one.
struct Link {
    std::string tail;            ///< The unfinished record so far.
    std::uint64_t line = 1;      ///< On which it begins.
    std::uint64_t offset = 0;    ///< Bytes of the source before it.
    std::uint64_t position = 0;  ///< Bytes of text before it.
    std::size_t retry = 0;       ///< The size from which it is worth while to read it again.
    bool dropping = false;       ///< The rest of a line that is too long is to be dropped.
};

/// Thrown in threads that wait when another one has failed.
struct Stopped {};

/// Hands each block the link of the block before it. Used by all threads.
class Chain {
public:
    /// `first` is the link to block `number`.
    Chain(Link first, std::uint64_t number) : link_(std::move(first)), next_(number) {}

    /// Waits for the link to block `number`. Throws Stopped.
    Link take(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return next_ == number || stopped_; });
        if (stopped_) throw Stopped();
        return std::move(link_);
    }

    /// Gives the link to block `number`.
    void give(std::uint64_t number, Link link) {
        {
            const std::lock_guard lock(mutex_);
            link_ = std::move(link);
            next_ = number;
        }
        changed_.notify_all();
    }

    /// Makes all calls of `take` throw.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Link link_;
    std::uint64_t next_;
    bool stopped_ = false;
};

/// Lets threads do something in the order of blocks, though blocks are done in any order.
class Turns {
public:
    /// `number` is the first block.
    explicit Turns(std::uint64_t number) : next_(number) {}

    /// Waits until all blocks before `number` are done. Throws Stopped.
    void wait(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return next_ == number || stopped_; });
        if (stopped_) throw Stopped();
    }

    /// Block `number` is done.
    void done(std::uint64_t number) {
        {
            const std::lock_guard lock(mutex_);
            done_.insert(number);
            while (!done_.empty() && *done_.begin() == next_) {
                done_.erase(done_.begin());
                ++next_;
            }
        }
        changed_.notify_all();
    }

    /// Makes all calls of `wait` throw.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::uint64_t> done_;
    std::uint64_t next_;
    bool stopped_ = false;
};

}  // namespace csvmill
