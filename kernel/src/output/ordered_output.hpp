/// Writing in order what several threads make.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "output/file_writer.hpp"

namespace csvmill {

/// Rows of a range of groups.
struct Rows {
    std::string text;
    std::uint64_t count = 0;
    std::vector<std::size_t> ends;  ///< Of each row in `text`, if there is a limit.

    void clear() {
        text.clear();
        count = 0;
        ends.clear();
    }
};

/// Writes the rows of ranges in the order of the ranges, up to the limit. A thread that is far
/// ahead waits.
class OrderedOutput {
public:
    /// `waiting`: bytes of rows that wait for those before them.
    OrderedOutput(FileWriter& to, std::optional<std::uint64_t> limit, std::size_t waiting)
        : to_(to), limit_(limit), most_waiting_(waiting) {}

    /// Takes rows of a range, and gives back empty ones; `last` ends the range. Returns false if no
    /// more rows are needed. Ranges must be begun in order, and each must be ended.
    bool put(std::size_t range, Rows& rows, bool last);

    /// Ends all waiting: another thread failed.
    void fail();

    std::uint64_t count() const { return count_; }  ///< Of the rows that have been written.

private:
    struct Range {
        std::vector<Rows> rows;
        bool ended = false;
    };
    void write(Rows& rows);

    FileWriter& to_;
    const std::optional<std::uint64_t> limit_;
    const std::size_t most_waiting_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::map<std::size_t, Range> ranges_;
    std::vector<Rows> unused_;
    std::size_t next_ = 0;     ///< The range that is written now.
    std::size_t waiting_ = 0;  ///< Bytes.
    bool writing_ = false;
    bool stopped_ = false;
    std::uint64_t count_ = 0;
};

}  // namespace csvmill
