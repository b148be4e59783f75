#include "output/ordered_output.hpp"

#include <utility>

namespace csvmill {

bool OrderedOutput::put(std::size_t range, Rows& rows, bool last) {
    std::unique_lock hold(lock_);
    // The next range waits only for a thread that writes, so all go on at some time.
    changed_.wait(hold, [&] {
        return stopped_ || (range == next_ && !writing_) ||
               waiting_ + rows.text.size() <= most_waiting_;
    });
    if (stopped_) return false;
    waiting_ += rows.text.size();
    Range& taken = ranges_[range];
    taken.rows.push_back(std::exchange(rows, Rows()));
    taken.ended = last;
    if (!unused_.empty()) {
        rows = std::move(unused_.back());
        unused_.pop_back();
    }
    if (writing_) return true;
    writing_ = true;
    // This thread writes all that can be written; the others go on.
    for (auto at = ranges_.find(next_); at != ranges_.end() && !stopped_;
         at = ranges_.find(next_)) {
        std::vector<Rows> ready = std::exchange(at->second.rows, {});
        if (ready.empty()) {
            if (!at->second.ended) break;
            ranges_.erase(at);
            ++next_;
            changed_.notify_all();
            continue;
        }
        hold.unlock();
        std::size_t written = 0;
        for (Rows& some : ready) {
            written += some.text.size();
            write(some);
            some.clear();
        }
        hold.lock();
        waiting_ -= written;
        for (Rows& some : ready)
            if (unused_.size() < 4) unused_.push_back(std::move(some));
        if (limit_ && count_ == *limit_) stopped_ = true;
        changed_.notify_all();
    }
    writing_ = false;
    changed_.notify_all();
    return !stopped_;
}

void OrderedOutput::write(Rows& rows) {
    if (limit_ && rows.count > *limit_ - count_) {
        rows.count = *limit_ - count_;
        rows.text.resize(rows.count == 0 ? 0 : rows.ends[rows.count - 1]);
    }
    to_.write(rows.text);
    count_ += rows.count;
}

void OrderedOutput::fail() {
    const std::lock_guard hold(lock_);
    stopped_ = true;
    changed_.notify_all();
}

}  // namespace csvmill
