/// The bad records of a file: the first ones, their number, and the file of rejects.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "output/file_writer.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// Why a record is bad. See shared/csv/problems.py.
struct Problem {
    std::uint64_t line = 1;               ///< On which the record begins.
    std::uint64_t offset = 0;             ///< Bytes before it in the decompressed file.
    std::optional<std::uint64_t> column;  ///< From 1.
    std::optional<std::string>
        name;  ///< Of the column: the first 200 bytes, invalid ones as `\xNN`.
    std::string found;
    std::string expected;

    /// "line 3, column 2 ('Date'): found ..., expected ...".
    std::string text() const;
};

/// The problems that a report shows.
inline constexpr std::size_t shown_problems = 20;

/// Collects problems in file order. Used by one thread at a time.
class Problems {
public:
    /// `rejects`: the path of the file of rejects, which is created for the first one; empty if bad
    /// records fail the job.
    Problems(std::string rejects, Scratch& scratch);

    /// `keep` takes each problem that `take` takes, in place of a file of rejects. `skip`: whether
    /// bad records are left out.
    Problems(std::function<void(const Problem&, Bytes record)> keep, bool skip, Scratch& scratch);
    ~Problems();

    /// `record` is the bad record without its line end; its first 64 KiB.
    void take(Problem problem, Bytes record);

    /// Counts problems that need not be described: bad records fail the job, and enough are shown.
    void count_more(std::uint64_t number) { count_ += number; }

    /// Throws MalformedInput if a file with these numbers of good rows has no result: with the
    /// reason of `Problems.check` in processor/engines/rejects.py.
    void check(std::uint64_t aggregated, std::uint64_t filtered) const;

    void finish();  ///< Closes the file of rejects.
    /// Any thread may call these two.
    std::uint64_t count() const { return count_; }
    std::string first_text() const;  ///< Of the first problem; empty if there is none.

    const std::vector<Problem>& first() const { return first_; }
    std::uint64_t rejects_size() const;

private:
    std::string path_;
    bool skip_;
    Scratch& scratch_;
    std::unique_ptr<FileWriter> rejects_;
    std::function<void(const Problem&, Bytes)> keep_;
    std::vector<Problem> first_;
    std::atomic<std::uint64_t> count_ = 0;
    mutable std::mutex first_lock_;
    std::string first_text_;
};

}  // namespace csvmill
