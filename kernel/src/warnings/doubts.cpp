#include "warnings/doubts.hpp"

#include <array>
#include <limits>

#include "csv/dialect.hpp"
#include "state/encoding.hpp"

namespace csvmill {

namespace {

constexpr std::array names{
    Bytes("grouped_integers"),    Bytes("quote_in_text"),     Bytes("repeated_header"),
    Bytes("total_row"),           Bytes("sum_row"),           Bytes("empty_row"),
    Bytes("blank_group"),         Bytes("similar_groups"),    Bytes("below_empty_line"),
    Bytes("padded_records"),      Bytes("truncated_records"), Bytes("records_in_quotes"),
    Bytes("trailing_delimiters"), Bytes("utf8_text"),
};

void append_text(std::string& to, Bytes text) {
    append_varint(to, text.size());
    to += text;
}

void append_column(std::string& to, const std::optional<std::uint32_t>& column) {
    append_varint(to, column ? std::uint64_t{*column} + 1 : 0);
}

std::optional<std::uint32_t> take_column(Bytes& from) {
    const std::uint64_t column = take_varint(from);
    if (column > column_limit) throw StateError("a state file is damaged: it has a wrong column");
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
    }
    to.count += from.count;
    to.others += from.others;
    to.refuted = to.refuted || from.refuted;
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
    const LastRow& its = other.last_;
    if (its.known && (!last_.known || its.position > last_.position)) last_ = its;
}

void Doubts::append(const Doubts& next, std::uint64_t lines, Above above) {
    if (next.first_.known) append_first(next.first_, lines, above);
    for (const auto& [key, sighting] : next.seen_) add(seen_[key], sighting, false, lines);
    if (!next.last_.known) return;
    last_ = next.last_;
    last_.line += lines;
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

void Doubts::write(std::string& to) const {
    append_varint(to, seen_.size());
    for (const auto& [key, sighting] : seen_) {
        append_varint(to, static_cast<std::uint64_t>(key.first));
        append_column(to, key.second);
        append_column(to, sighting.column);
        for (const std::uint64_t number :
             {sighting.count, sighting.others, std::uint64_t{sighting.refuted ? 1U : 0U},
              sighting.line}) {
            append_varint(to, number);
        }
        append_text(to, sighting.example);
    }
    append_varint(to, first_.known ? first_.line : 0);
    append_text(to, first_.example);
    append_varint(to, last_.known ? 1 + last_.sums.size() : 0);
    if (!last_.known) return;
    append_varint(to, last_.line);
    append_text(to, last_.key);
    for (const std::string& sum : last_.sums) append_text(to, sum);
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
        sighting.example = take_bytes(from, take_varint(from));
    }
    doubts.first_.line = take_varint(from);
    doubts.first_.known = doubts.first_.line > 0;
    doubts.first_.example = take_bytes(from, take_varint(from));
    const std::uint64_t parts = take_varint(from);
    if (parts == 0) return doubts;
    LastRow& last = doubts.last();
    last.known = true;
    last.line = take_varint(from);
    last.key = take_bytes(from, take_varint(from));
    for (std::uint64_t i = 1; i < parts; ++i) {
        last.sums.emplace_back(take_bytes(from, take_varint(from)));
    }
    return doubts;
}

}  // namespace csvmill
