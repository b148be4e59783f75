/// What a block needs to know of the blocks before it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "csv/record_index.hpp"

namespace csvmill {

/// The end of a block: the start of the record that continues in the next one.
struct Link {
    std::string tail;              ///< The unfinished record so far.
    std::uint64_t line = 1;        ///< On which it begins.
    std::uint64_t offset = 0;      ///< Bytes of the source before it.
    std::uint64_t position = 0;    ///< Bytes of text before it.
    std::size_t retry = 0;         ///< The size from which it is worth while to read it again.
    bool dropping = false;         ///< The rest of a line that is too long is to be dropped.
    bool footer = false;           ///< The table has ended: all that follows is passed over.
    bool open_line = false;        ///< Whether the text so far ends within a line.
    Above above = Above::nothing;  ///< What is above that record.

    /// Adds a block to the tail, if both together are too short to be worth reading. Returns
    /// whether it does. Each byte of a record of many blocks is then copied a bounded number of
    /// times.
    bool collect(Bytes block) {
        if (tail.size() + block.size() >= retry) return false;
        tail += block;
        return true;
    }
};

/// Thrown in threads that wait when another one has failed.
struct Stopped {};

/// The block whose turn it is, from the first one on. Used by all threads.
class BlockOrder {
public:
    /// Makes all threads that wait, now or later, throw Stopped.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

protected:
    /// `number` is the first block.
    explicit BlockOrder(std::uint64_t number) : next_(number) {}

    /// Waits until `number` is next. Throws Stopped. The lock protects the members of the subclass.
    std::unique_lock<std::mutex> wait_for(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return next_ == number || stopped_; });
        if (stopped_) throw Stopped();
        return lock;
    }

    /// Calls `change`, which may change the next block and the members of the subclass.
    template <class Change>
    void advance(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change(next_);
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t next_;
    bool stopped_ = false;
};

/// Hands each block the link of the block before it.
class Chain : public BlockOrder {
public:
    /// `first` is the link to block `number`.
    Chain(Link first, std::uint64_t number) : BlockOrder(number), link_(std::move(first)) {}

    /// Waits for the link to block `number`. Throws Stopped.
    Link take(std::uint64_t number) {
        const auto lock = wait_for(number);
        return std::move(link_);
    }

    /// Gives the link to block `number`.
    void give(std::uint64_t number, Link link) {
        advance([&](std::uint64_t& next) {
            link_ = std::move(link);
            next = number;
        });
    }

private:
    Link link_;
};

/// Lets threads do something in the order of blocks, though blocks are done in any order.
class Turns : public BlockOrder {
public:
    /// `number` is the first block.
    explicit Turns(std::uint64_t number) : BlockOrder(number) {}

    /// Waits until all blocks before `number` are done. Throws Stopped.
    void wait(std::uint64_t number) { wait_for(number); }

    /// Block `number` is done.
    void done(std::uint64_t number) {
        advance([&](std::uint64_t& next) {
            done_.insert(number);
            while (done_.erase(next) > 0) ++next;
        });
    }

private:
    std::set<std::uint64_t> done_;
};

}  // namespace csvmill
