#include "warnings/doubts.hpp"

#include <array>
#include <limits>

#include "csv/dialect.hpp"
#include "state/encoding.hpp"

namespace csvmill {

namespace {

constexpr std::array names{
    Bytes("grouped_integers"),  Bytes("quote_in_text"),
    Bytes("repeated_header"),   Bytes("total_row"),
    Bytes("sum_row"),           Bytes("empty_row"),
    Bytes("blank_group"),       Bytes("similar_groups"),
    Bytes("below_empty_line"),  Bytes("padded_records"),
    Bytes("truncated_records"), Bytes("note_row"),
    Bytes("records_in_quotes"), Bytes("trailing_delimiters"),
    Bytes("utf8_text"),         Bytes("similar_values"),
    Bytes("kept_values"),       Bytes("total_group"),
    Bytes("similar_header"),    Bytes("similar_distinct"),
};

void append_column(std::string& to, const std::optional<std::uint32_t>& column) {
    append_varint(to, column ? std::uint64_t{*column} + 1 : 0);
}

std::optional<std::uint32_t> take_column(Bytes& from) {
    const std::uint64_t column = take_varint(from);
    if (column > numbered_columns)
        throw StateError("a state file is damaged: it has a wrong column");
    if (column == 0) return std::nullopt;
    return static_cast<std::uint32_t>(column - 1);
}

/// Adds the numbers of `from`, and where it begins, if that is `first`.
void add(Sighting& to, const Sighting& from, bool first, std::uint64_t lines) {
    if (from.count > 0 && (to.count == 0 || first)) {
        to.position = from.position;
        to.line = from.line == 0 ? 0 : from.line + lines;
        to.column = from.column;
        to.example = from.example;
        to.input = from.input;
    }
    to.count += from.count;
    to.others += from.others;
    to.refuted = to.refuted || from.refuted;
}

void write_row(std::string& to, const EndRow& row) {
    append_varint(to, row.known ? 1 + row.sums.size() : 0);
    if (!row.known) return;
    append_varint(to, row.line);
    append_text(to, row.key);
    for (const std::string& sum : row.sums) append_text(to, sum);
    append_column(to, row.label_column);
    append_text(to, row.label);
    append_text(to, row.note);
}

EndRow read_row(Bytes& from) {
    EndRow row;
    const std::uint64_t parts = take_varint(from);
    if (parts == 0) return row;
    row.known = true;
    row.line = take_varint(from);
    row.key = take_bytes(from, take_varint(from));
    for (std::uint64_t i = 1; i < parts; ++i) {
        row.sums.emplace_back(take_bytes(from, take_varint(from)));
    }
    row.label_column = take_column(from);
    row.label = take_bytes(from, take_varint(from));
    row.note = take_bytes(from, take_varint(from));
    return row;
}

}  // namespace

Bytes name_of(Doubt doubt) { return names[static_cast<std::size_t>(doubt)]; }

bool is_doubtful(Doubt doubt, const Sighting& sighting) {
    if (sighting.count == 0 || sighting.refuted) return false;
    // A file whose lines are all divided by empty ones has one table.
    return doubt != Doubt::below_empty_line || sighting.others > 0;
}

void Doubts::merge(const Doubts& other) {
    for (const auto& [key, sighting] : other.seen_) {
        Sighting& mine = seen_[key];
        add(mine, sighting, sighting.position < mine.position, 0);
    }
    if (other.first_.known) first_ = other.first_;
    const EndRow& its_first = other.first_row_;
    if (its_first.known && (!first_row_.known || its_first.position < first_row_.position)) {
        first_row_ = its_first;
    }
    const EndRow& its_last = other.last_row_;
    if (its_last.known && (!last_row_.known || its_last.position > last_row_.position)) {
        last_row_ = its_last;
    }
}

void Doubts::append(const Doubts& next, std::uint64_t lines, Above above) {
    if (next.first_.known) append_first(next.first_, lines, above);
    for (const auto& [key, sighting] : next.seen_) add(seen_[key], sighting, false, lines);
    if (!next.last_row_.known) return;
    if (!first_row_.known) {
        first_row_ = next.first_row_;
        first_row_.line += lines;
    }
    last_row_ = next.last_row_;
    last_row_.line += lines;
}

void Doubts::append_first(const FirstRecord& first, std::uint64_t lines, Above above) {
    Sighting sighting;
    switch (above) {
        case Above::nothing:
            first_ = first;
            first_.line += lines;
            return;
        case Above::record:
            sighting.others = 1;
            break;
        case Above::empty_line:
            sighting.count = 1;
            sighting.line = first.line;
            sighting.example = first.example;
            break;
    }
    add(of(Doubt::below_empty_line), sighting, false, lines);
}

void Doubts::settle(std::uint32_t input, const std::vector<std::uint32_t>& numbers) {
    const auto renumber = [&numbers](std::optional<std::uint32_t>& column) {
        if (column && !numbers.empty()) column = numbers.at(*column);
    };
    std::map<Key, Sighting> seen;
    for (auto& [key, sighting] : seen_) {
        // Whether a file has one table does not depend on the others.
        if (key.first == Doubt::below_empty_line && sighting.others == 0) continue;
        sighting.input = input;
        renumber(sighting.column);
        Key moved = key;
        renumber(moved.second);
        seen.emplace(moved, std::move(sighting));
    }
    clear();
    seen_ = std::move(seen);
}

void Doubts::write(std::string& to) const {
    append_varint(to, seen_.size());
    for (const auto& [key, sighting] : seen_) {
        append_varint(to, static_cast<std::uint64_t>(key.first));
        append_column(to, key.second);
        append_column(to, sighting.column);
        for (const std::uint64_t number :
             {sighting.count, sighting.others, std::uint64_t{sighting.refuted ? 1U : 0U},
              sighting.line, std::uint64_t{sighting.input}}) {
            append_varint(to, number);
        }
        append_text(to, sighting.example);
    }
    append_varint(to, first_.known ? first_.line : 0);
    append_text(to, first_.example);
    write_row(to, first_row_);
    write_row(to, last_row_);
}

Doubts Doubts::read(Bytes& from) {
    Doubts doubts;
    const std::uint64_t size = take_varint(from);
    for (std::uint64_t i = 0; i < size; ++i) {
        const std::uint64_t kind = take_varint(from);
        if (kind >= names.size()) throw StateError("a state file is damaged: an unknown doubt");
        Sighting& sighting = doubts.of(static_cast<Doubt>(kind), take_column(from));
        sighting.column = take_column(from);
        sighting.count = take_varint(from);
        sighting.others = take_varint(from);
        sighting.refuted = take_varint(from) != 0;
        sighting.line = take_varint(from);
        sighting.input = static_cast<std::uint32_t>(take_varint(from));
        sighting.example = take_bytes(from, take_varint(from));
    }
    doubts.first_.line = take_varint(from);
    doubts.first_.known = doubts.first_.line > 0;
    doubts.first_.example = take_bytes(from, take_varint(from));
    doubts.first_row_ = read_row(from);
    doubts.last_row_ = read_row(from);
    return doubts;
}

}  // namespace csvmill
