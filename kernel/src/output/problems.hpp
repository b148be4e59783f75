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
    std::optional<std::string> name;      ///< Of the column: the first 200 bytes, invalid ones as
                                      ///< `\xNN`. Without a column: of one that is not in the file.
    std::string found;
    std::string expected;
    std::uint32_t input = 0;                         ///< The file, if there are several, from 0.
    std::optional<std::string> file = std::nullopt;  ///< Its name, if there are several.

    /// "'plays.csv', line 3, column 2 ('Date'): found ..., expected ...".
    std::string text() const;
};

/// The problems that a report shows.
inline constexpr std::size_t shown_problems = 20;

/// Collects problems in file order. Used by one thread at a time.
class Problems {
public:
    /// `rejects`: the path of the file of rejects, which is created for the first one; empty if bad
    /// records fail the job. `limit`: the bytes of the file.
    Problems(std::string rejects, std::uint64_t limit, Scratch& scratch);

    /// Takes a problem; `omitted`: its record does not fit the file of rejects, and is empty.
    using Keep = std::function<void(const Problem&, Bytes record, bool omitted)>;

    /// `keep` takes each problem that `take` takes, in place of a file of rejects. `skip`: whether
    /// bad records are left out. Then those beyond `limit` bytes of rejects are omitted, and only
    /// those that may be shown are kept.
    Problems(Keep keep, bool skip, std::uint64_t limit, Scratch& scratch);
    ~Problems();

    /// From now on, `take` takes problems of one of several files.
    void set_input(std::uint32_t number, std::string file);

    /// `record` is the bad record without its line end; its first 64 KiB. `omitted`: it did not fit
    /// the rejects of its part, so it does not fit those of the file either.
    void take(Problem problem, Bytes record, bool omitted = false);

    /// Counts problems that need not be described: bad records fail the job, and enough are shown.
    void count_more(std::uint64_t number) { count_ += number; }

    /// Counts problems that were not kept, for want of space: the file of rejects ends before them.
    void omit_more(std::uint64_t number);

    /// Throws MalformedInput if a file with these numbers of good rows has no result: with the
    /// reason of `Problems.check` in processor/engines/rejects.py.
    void check(std::uint64_t aggregated, std::uint64_t filtered) const;

    void finish();  ///< Closes the file of rejects.
    /// Any thread may call these two.
    std::uint64_t count() const { return count_; }
    std::string first_text() const;  ///< Of the first problem; empty if there is none.

    const std::vector<Problem>& first() const { return first_; }
    std::uint64_t rejects_size() const;
    /// Bad records that are left out, and are not in the file of rejects either.
    std::uint64_t omitted() const { return omitted_; }
    /// Those of them that are not kept at all.
    std::uint64_t forgotten() const { return forgotten_; }

private:
    /// Adds a bad record to the rejects. Returns whether it fits; after one that does not, none
    /// does.
    bool reject(const Problem& problem, Bytes record);

    std::string path_;
    std::uint32_t input_ = 0;
    std::optional<std::string> file_;
    bool skip_;
    std::uint64_t limit_;
    std::uint64_t size_ = 0;  ///< Bytes of the file of rejects.
    std::uint64_t omitted_ = 0;
    std::uint64_t forgotten_ = 0;
    bool full_ = false;
    Scratch& scratch_;
    std::unique_ptr<FileWriter> rejects_;
    Keep keep_;
    std::vector<Problem> first_;
    std::atomic<std::uint64_t> count_ = 0;
    mutable std::mutex first_lock_;
    std::string first_text_;
};

}  // namespace csvmill
