#include "warnings/record_watch.hpp"

#include "text/show.hpp"

namespace csvmill {

RecordWatch::RecordWatch(const RecordReader& reader, Doubts& doubts)
    : reader_(reader),
      dialect_(reader.dialect()),
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
    if (!dialect_.quote.empty()) look_at_quotes(index, row, place);
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

void RecordWatch::look_at_quotes(const RecordIndex& index, const RecordIndex::Row& row,
                                 const TextPlace& place) {
    const Bytes quote = dialect_.quote;
    for (std::uint32_t i = 0; i < row.count; ++i) {
        const Field& field = index.fields[row.first + i];
        const Bytes text = place.data.substr(field.begin, field.end - field.begin);
        const bool quoted = field.begin >= row.at + quote.size() &&
                            place.data.substr(field.begin - quote.size(), quote.size()) == quote;
        if (quoted || text.find(quote) == Bytes::npos) continue;
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
