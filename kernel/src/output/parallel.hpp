/// Work on several threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>

namespace csvmill {

/// Tasks with numbers from 0, which threads take one after another. Used by any thread.
class Tasks {
public:
    explicit Tasks(std::size_t count) : count_(count) {}
    /// False if there is none left.
    bool take(std::size_t& number) {
        number = next_.fetch_add(1, std::memory_order_relaxed);
        return number < count_;
    }
    /// No more tasks are taken.
    void stop() { next_.store(count_, std::memory_order_relaxed); }
    std::size_t count() const { return count_; }

private:
    const std::size_t count_;
    std::atomic<std::size_t> next_ = 0;
};

/// Calls `work` once on each of `threads` threads, of which this is one. If calls throw, `failed`
/// is called, so that the others end, and the first exception is thrown again.
void run_on_threads(
    std::size_t threads, const std::function<void()>& work,
    const std::function<void()>& failed = [] {});

/// Calls `work` for each number below `count`, on up to `threads` threads.
void for_each_task(std::size_t threads, std::size_t count,
                   const std::function<void(std::size_t)>& work);

}  // namespace csvmill
