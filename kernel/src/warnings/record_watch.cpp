#include "warnings/record_watch.hpp"

#include <algorithm>
#include <bit>

#include "csv/masks.hpp"
#include "text/byte_mask.hpp"
#include "text/show.hpp"

namespace csvmill {

namespace {

/// So many lines that may be records, from the first one on, show that a record encloses others.
constexpr std::size_t judged_lines = 16;

/// Whether a part of a record, as a line, has nothing but a line end.
bool is_empty_line(Bytes line, char newline) {
    if (newline == '\n' && line.ends_with('\r')) line.remove_suffix(1);
    return line.empty();
}

/// Compares the lines of a record with records, from the first one on.
class LineCheck {
public:
    LineCheck(std::size_t delimiters, char newline) : delimiters_(delimiters), newline_(newline) {}

    /// The next line has so many delimiters. Returns whether it may be a record.
    bool take(Bytes line, std::size_t delimiters) {
        if (delimiters == delimiters_) {
            ++lines_;
            return true;
        }
        return delimiters == 0 && is_empty_line(line, newline_);
    }

    bool has_several() const { return lines_ > 1; }

    /// Whether the lines below need not be looked at.
    bool is_settled() const { return lines_ >= judged_lines; }

private:
    std::size_t delimiters_;
    char newline_;
    std::size_t lines_ = 0;  ///< That are not empty.
};

/// Whether a record has several lines that may be records, with so many delimiters each, and before
/// the last that is judged no others but empty ones. Delimiters before a space do not count, as
/// they are common in prose. 64 bytes after it can be read.
[[gnu::always_inline]] inline bool are_records(Bytes record, char delimiter, char newline,
                                               std::size_t delimiters) {
    LineCheck check(delimiters, newline);
    std::size_t begin = 0;  // Of a line.
    std::size_t count = 0;  // Of its delimiters.
    for (std::size_t at = 0; at < record.size(); at += mask_bytes) {
        const char* const bytes = record.data() + at;
        const std::uint64_t within =
            ~std::uint64_t{0} >> (mask_bytes - std::min(record.size() - at, mask_bytes));
        std::uint64_t newlines = mask_of_64(bytes, newline) & within;
        std::uint64_t found = mask_of_64(bytes, delimiter) & within;
        if (found != 0) found &= ~mask_of_64(bytes + 1, ' ');
        for (; newlines != 0; newlines &= newlines - 1) {
            const std::uint64_t before = newlines ^ (newlines - 1);
            count += static_cast<std::size_t>(std::popcount(found & before));
            found &= ~before;
            const std::size_t end = at + static_cast<std::size_t>(std::countr_zero(newlines));
            if (!check.take(record.substr(begin, end - begin), count)) return false;
            if (check.is_settled()) return true;
            begin = end + 1;
            count = 0;
        }
        count += static_cast<std::size_t>(std::popcount(found));
    }
    return check.take(record.substr(begin), count) && check.has_several();
}

bool are_records_plain(Bytes record, char delimiter, char newline, std::size_t delimiters) {
    return are_records(record, delimiter, newline, delimiters);
}

#ifdef __x86_64__
__attribute__((target("avx2,bmi,popcnt"))) bool are_records_vector(Bytes record, char delimiter,
                                                                   char newline,
                                                                   std::size_t delimiters) {
    return are_records(record, delimiter, newline, delimiters);
}
#endif

}  // namespace

RecordWatch::RecordWatch(const RecordReader& reader, std::size_t width, Doubts& doubts)
    : reader_(reader),
      dialect_(reader.dialect()),
      delimiters_(width - 1),
      vectors_(has_vectors()),
      doubts_(doubts),
      below_empty_line_(doubts.of(Doubt::below_empty_line)) {}

void RecordWatch::look_at_index(const RecordIndex& index, const TextPlace& place) {
    look_above(index.begin, place.above, place);
    below_empty_line_.others += index.records() - 1;
    if (dialect_.trailing_delimiters) {
        Sighting& trailing = doubts_.of(Doubt::trailing_delimiters);
        see_record(trailing, index.begin, place);
        trailing.count += index.records() - 1;
    }
    for (const std::uint32_t record : index.long_records) {
        look_at_lines(static_cast<std::uint32_t>(index.begin_of(record)), index.line_end_of(record),
                      place);
    }
}

void RecordWatch::look_at_record(const RecordIndex& index, const RecordIndex::Row& row, Fit fit,
                                 const TextPlace& place) {
    look_above(row.at, row.above == Above::nothing ? place.above : row.above, place);
    switch (fit) {
        case Fit::trailing:
            see_record(doubts_.of(Doubt::trailing_delimiters), row.at, place);
            break;
        case Fit::padded:
            see_record(doubts_.of(Doubt::padded_records), row.at, place);
            break;
        case Fit::truncated:
            see_record(doubts_.of(Doubt::truncated_records), row.at, place);
            break;
        case Fit::bad:
        case Fit::whole:
            break;
    }
    if (dialect_.quote.empty()) return;
    look_at_quotes(index, row, place);
    if (row.several_lines && row.count == delimiters_ + 1) {
        look_at_lines(row.at, end_of(index, row, place), place);
    }
}

/// Looks at what is above a record.
void RecordWatch::look_above(std::uint32_t start, Above above, const TextPlace& place) {
    switch (above) {
        case Above::nothing:
            doubts_.first() = {true, place.line_of(start, dialect_.newline()), shown(start, place)};
            break;
        case Above::record:
            ++below_empty_line_.others;
            break;
        case Above::empty_line:
            see_record(below_empty_line_, start, place);
            break;
    }
}

/// Looks at a record of several lines, which ends at `end`. Each of the first ones may be a record.
void RecordWatch::look_at_lines(std::uint32_t start, std::size_t end, const TextPlace& place) {
    if (delimiters_ == 0) return;
    const Bytes record = place.data.substr(start, end - start);
    const bool are_records = dialect_.delimiter.size() == 1 ? lines_are_records(record)
                                                            : long_delimiters_make_records(record);
    if (!are_records) return;
    if (in_quotes_ == nullptr) in_quotes_ = &doubts_.of(Doubt::records_in_quotes);
    see_record(*in_quotes_, start, place);
}

/// Whether a record has several lines that may be records. See `are_records`.
bool RecordWatch::lines_are_records(Bytes record) const {
    const char delimiter = dialect_.delimiter.front();
#ifdef __x86_64__
    if (vectors_) {
        return are_records_vector(record, delimiter, dialect_.newline(), delimiters_);
    }
#endif
    return are_records_plain(record, delimiter, dialect_.newline(), delimiters_);
}

/// The same where delimiters have several bytes.
bool RecordWatch::long_delimiters_make_records(Bytes record) const {
    const Bytes delimiter = dialect_.delimiter;
    LineCheck check(delimiters_, dialect_.newline());
    for (std::size_t begin = 0; begin <= record.size();) {
        const Bytes line = record.substr(begin, record.find(dialect_.newline(), begin) - begin);
        std::size_t count = 0;
        for (std::size_t at = 0; (at = line.find(delimiter, at)) != Bytes::npos;) {
            at += delimiter.size();
            count += line.substr(at, 1) == " " ? 0 : 1;
        }
        if (!check.take(line, count)) return false;
        if (check.is_settled()) return true;
        begin += line.size() + 1;
    }
    return check.has_several();
}

/// Where a record without a fault ends, without its line end.
std::size_t RecordWatch::end_of(const RecordIndex& index, const RecordIndex::Row& row,
                                const TextPlace& place) const {
    const Field& last = index.fields[row.first + row.count - 1];
    return last.end + (is_quoted(last, row.at, place) ? dialect_.quote.size() : 0);
}

bool RecordWatch::is_quoted(const Field& field, std::uint32_t start, const TextPlace& place) const {
    const Bytes quote = dialect_.quote;
    return field.begin >= start + quote.size() &&
           place.data.substr(field.begin - quote.size(), quote.size()) == quote;
}

void RecordWatch::look_at_quotes(const RecordIndex& index, const RecordIndex::Row& row,
                                 const TextPlace& place) {
    const Bytes quote = dialect_.quote;
    for (std::uint32_t i = 0; i < row.count; ++i) {
        const Field& field = index.fields[row.first + i];
        const Bytes text = place.data.substr(field.begin, field.end - field.begin);
        if (is_quoted(field, row.at, place) || text.find(quote) == Bytes::npos) continue;
        Sighting& sighting = doubts_.of(Doubt::quote_in_text);
        if (!see(sighting, row.at, place, dialect_.newline())) continue;
        sighting.column = i;
        sighting.example = show(text);
    }
}

void RecordWatch::see_record(Sighting& sighting, std::uint32_t start, const TextPlace& place) {
    if (see(sighting, start, place, dialect_.newline())) sighting.example = shown(start, place);
}

/// The fields of a record that has no fault.
std::string RecordWatch::shown(std::uint32_t start, const TextPlace& place) {
    std::size_t end = 0;
    reader_.read(place.data, start, true, 1, fields_, end, nullptr);
    std::string record;
    for (const Field& field : fields_) {
        if (&field != fields_.data()) record += dialect_.delimiter;
        const Bytes text = place.data.substr(field.begin, field.end - field.begin);
        if (field.escaped) {
            reader_.unescape(text, record);
        } else {
            record += text;
        }
    }
    return show(record);
}

}  // namespace csvmill
