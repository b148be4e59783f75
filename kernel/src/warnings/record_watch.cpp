#include "warnings/record_watch.hpp"

#include <algorithm>
#include <bit>

#include "text/byte_mask.hpp"
#include "text/show.hpp"

namespace csvmill {

namespace {

/// As `text.find(byte)`. 64 bytes after the text can be read.
std::size_t first_of(Bytes text, char byte) {
    for (std::size_t at = 0; at < text.size(); at += mask_bytes) {
        const std::uint64_t found = mask_of_64(text.data() + at, byte);
        if (found == 0) continue;
        const std::size_t first = at + static_cast<std::size_t>(std::countr_zero(found));
        return first < text.size() ? first : Bytes::npos;
    }
    return Bytes::npos;
}

}  // namespace

RecordWatch::RecordWatch(const RecordReader& reader, std::size_t width, Doubts& doubts)
    : reader_(reader),
      dialect_(reader.dialect()),
      delimiters_(width - 1),
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

/// Looks at a record of several lines, which ends at `end`. Each of its lines may be a record.
void RecordWatch::look_at_lines(std::uint32_t start, std::size_t end, const TextPlace& place) {
    if (delimiters_ == 0) return;
    Bytes rest = place.data.substr(start, end - start);
    std::size_t lines = 0;
    while (!rest.empty()) {
        const std::size_t newline = std::min(first_of(rest, dialect_.newline()), rest.size());
        const Bytes line = reader_.without_line_end(rest.substr(0, newline));
        if (!line.empty()) {
            if (count_delimiters(line) != delimiters_) return;
            ++lines;
        }
        rest.remove_prefix(std::min(newline + 1, rest.size()));
    }
    if (lines > 1) see_record(doubts_.of(Doubt::records_in_quotes), start, place);
}

/// The number of delimiters in a line but for those before a space, which are common in prose.
std::size_t RecordWatch::count_delimiters(Bytes line) const {
    const Bytes delimiter = dialect_.delimiter;
    std::size_t count = 0;
    if (delimiter.size() > 1) {
        for (std::size_t at = 0; (at = line.find(delimiter, at)) != Bytes::npos;) {
            at += delimiter.size();
            count += line.substr(at, 1) == " " ? 0 : 1;
        }
        return count;
    }
    for (std::size_t at = 0; at < line.size(); at += mask_bytes) {
        const std::size_t size = std::min(line.size() - at, mask_bytes);
        std::uint64_t found = mask_of_64(line.data() + at, delimiter[0]);
        found &= ~std::uint64_t{0} >> (mask_bytes - size);
        if (found == 0) continue;
        // The byte after a line is its end.
        found &= ~mask_of_64(line.data() + at + 1, ' ');
        count += static_cast<std::size_t>(std::popcount(found));
    }
    return count;
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
