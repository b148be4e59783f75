/// Line ends in quoted fields.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "csv/record_index.hpp"

namespace csvmill {

/// Counts the line ends in quoted fields of regular records, word by word. Bit i of a mask is about
/// byte i of the word.
class InnerLines {
public:
    /// Finds the records of several lines that have at least `delimiters` delimiters in quotes that
    /// are not before a space; none if that is 0.
    explicit InnerLines(std::size_t delimiters)
        : least_(delimiters > 0 ? delimiters : ~std::size_t{0}) {}

    /// Whether there is a line end in quotes in the record that has not ended.
    bool within_lines() const { return lines_ != 0; }

    /// `records` records have ended. Words in which no record of several lines ends, and nothing is
    /// in quotes, may be left out.
    void begin(std::size_t records) {
        if (record_ != records) delimiters_ = 0;
        record_ = static_cast<std::uint32_t>(records);
    }

    /// Counts line ends, and delimiters that are not before a space: those in quotes. `outer` are
    /// the line ends that end records. Records that are found are added to `found`.
    [[gnu::always_inline]] void count(std::uint64_t lines, std::uint64_t delimiters,
                                      std::uint64_t outer, std::vector<std::uint32_t>& found) {
        for (; (lines != 0 || lines_ != 0) && outer != 0; outer &= outer - 1) {
            const std::uint64_t before = outer ^ (outer - 1);
            lines_ += count_of(lines & before);
            delimiters_ += count_of(delimiters & before);
            lines &= ~before;
            delimiters &= ~before;
            if (lines_ != 0) end_record(found);
            ++record_;
            delimiters_ = 0;
        }
        lines_ += count_of(lines);
        if (outer != 0) {
            record_ += static_cast<std::uint32_t>(count_of(outer));
            delimiters_ = 0;
            delimiters &= after_last(outer);
        }
        delimiters_ += count_of(delimiters);
    }

    /// The file ends with a record. It is added to `found` as the others.
    void end(std::vector<std::uint32_t>& found) {
        if (lines_ != 0) end_record(found);
    }

    /// Adds the numbers of all records that have ended to `index`.
    void add_to(RecordIndex& index) const {
        index.line_ends += line_ends_;
        index.of_several_lines += of_several_lines_;
        index.most_lines = std::max(index.most_lines, most_lines_);
    }

private:
    static std::uint64_t count_of(std::uint64_t bits) {
        return static_cast<std::uint64_t>(std::popcount(bits));
    }

    /// The bits after the last one of `bits`, which are not none.
    static std::uint64_t after_last(std::uint64_t bits) {
        return ~(~std::uint64_t{0} >> static_cast<unsigned>(std::countl_zero(bits)));
    }

    void end_record(std::vector<std::uint32_t>& found) {
        line_ends_ += lines_;
        ++of_several_lines_;
        most_lines_ = std::max(most_lines_, lines_ + 1);
        if (delimiters_ >= least_) found.push_back(record_);
        lines_ = 0;
    }

    std::size_t least_;
    std::uint32_t record_ = 0;  ///< The number of the record that has not ended.
    // In quotes, in this record.
    std::uint64_t lines_ = 0;
    std::uint64_t delimiters_ = 0;
    // Of the records before it.
    std::uint64_t line_ends_ = 0;
    std::uint64_t of_several_lines_ = 0;
    std::uint64_t most_lines_ = 1;
};

}  // namespace csvmill
