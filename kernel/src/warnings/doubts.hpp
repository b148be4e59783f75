/// What is doubtful in a file: it was read, but may mean something else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "csv/record_index.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// A kind of doubt. The service has the words for each: shared/jobs/warnings.py. Numbers are in
/// state files.
enum class Doubt : std::uint8_t {
    grouped_integers,     ///< Numbers such as 1.234, which may be 1234.
    quote_in_text,        ///< A quote within a field that does not begin with one.
    repeated_header,      ///< The header again, as a record.
    total_row,            ///< A record whose group is called "Total" or the like.
    sum_row,              ///< A last record with the sums of all records above it.
    empty_row,            ///< A record of empty or blank cells only.
    blank_group,          ///< A group without a name, or with one of blanks.
    similar_groups,       ///< Groups that differ only by blanks, case, or normalization.
    below_empty_line,     ///< A record below an empty line, while others have none above.
    padded_records,       ///< A record that was filled with empty fields.
    truncated_records,    ///< A record of which fields were dropped.
    note_row,             ///< A last record with a text in the first column only.
    records_in_quotes,    ///< A record of which each line may be a record.
    trailing_delimiters,  ///< A record that ends in a delimiter, unlike the header.
    utf8_text,            ///< A file in UTF-8 that was read in another encoding.
    similar_values,       ///< A cell that `where` excludes, but looks like what it asks for.
    kept_values,          ///< A cell that `where` keeps, but looks like what it excludes.
    total_group,          ///< A group called "ALL" or the like, with the sums of all others.
    similar_header,       ///< A record that has some of the names of the header.
    similar_distinct,     ///< Different values of a group that look alike.
};

/// The name of a kind in messages.
Bytes name_of(Doubt doubt);

/// How often something was seen, and where first. Columns are those of the file, from 0.
struct Sighting {
    std::uint64_t count = 0;
    std::uint64_t others = 0;    ///< What is not doubtful, but bears on it.
    bool refuted = false;        ///< Something else was seen that leaves no doubt.
    std::uint64_t position = 0;  ///< Of the record of the first one, in the text of the file.
    std::uint64_t line = 0;      ///< On which that record begins; 0 if it is not known.
    std::optional<std::uint32_t> column;
    std::string example;      ///< As `show` gives it.
    std::uint32_t input = 0;  ///< The file of the first one, if there are several, from 0.
};

/// Whether a kind is to be reported.
bool is_doubtful(Doubt doubt, const Sighting& sighting);

/// The first record of a part, or of a file without a header, if no empty line is above it there.
struct FirstRecord {
    bool known = false;
    std::uint64_t line = 0;
    std::string example;  ///< As `show` gives it.
};

/// The first or last record that was aggregated.
struct EndRow {
    bool known = false;
    std::uint64_t position = 0;
    std::uint64_t line = 0;
    std::string key;                ///< That of its group.
    std::vector<std::string> sums;  ///< For each `sum`: its number, or nothing for an empty cell.
    /// Where the name of a total is in it, other than in a group column.
    std::optional<std::uint32_t> label_column;
    std::string label;  ///< This name, as `show` gives it.
    std::string note;   ///< Its first cell or two, if it may be a note, as `show` gives it.
};

/// All that was seen by a thread, or in a part of a file.
class Doubts {
public:
    using Key = std::pair<Doubt, std::optional<std::uint32_t>>;

    /// What was seen of a kind; for some kinds in one column. Valid as long as this object.
    Sighting& of(Doubt doubt, std::optional<std::uint32_t> column = std::nullopt) {
        return seen_[{doubt, column}];
    }

    FirstRecord& first() { return first_; }
    EndRow& first_row() { return first_row_; }
    EndRow& last_row() { return last_row_; }
    const EndRow& first_row() const { return first_row_; }
    const EndRow& last_row() const { return last_row_; }

    /// Adds what another thread has seen in the same file.
    void merge(const Doubts& other);

    /// Adds what was seen in the part that follows, before which there are `lines` line ends, and
    /// which begins below a record or an empty line.
    void append(const Doubts& next, std::uint64_t lines, Above above);

    /// Concludes what was seen in one of several files, so that those of others can be appended:
    /// `input` is its number, and `numbers` are those of its columns among all files; if there are
    /// none, they are the same.
    void settle(std::uint32_t input, const std::vector<std::uint32_t>& numbers);

    void clear() { *this = Doubts(); }

    /// In the order of kinds and columns.
    const std::map<Key, Sighting>& all() const { return seen_; }

    /// Appends everything but positions for the state of a part; `read` removes it from `from`.
    /// Throws StateError.
    void write(std::string& to) const;
    static Doubts read(Bytes& from);

private:
    void append_first(const FirstRecord& first, std::uint64_t lines, Above above);

    std::map<Key, Sighting> seen_;
    FirstRecord first_;
    EndRow first_row_;
    EndRow last_row_;
};

}  // namespace csvmill
