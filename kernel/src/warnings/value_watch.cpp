#include "warnings/value_watch.hpp"

#include <algorithm>
#include <optional>

#include "text/like_bytes.hpp"
#include "text/likeness.hpp"
#include "text/show.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

/// A cell is compared with a value if neither has more than twice as many bytes as the other, and
/// so many more.
constexpr std::size_t more_bytes = 16;

/// Whether the likeness of `cell` is `asked`, which is ASCII; none if only its characters beyond
/// ASCII tell.
std::optional<bool> is_like(Bytes cell, Bytes asked) {
    std::size_t matched = 0;
    bool blank = false;
    for (const char byte : cell) {
        const auto value = static_cast<std::uint8_t>(byte);
        if (value >= 0x80) {
            if (!may_vanish(value)) return false;
            return std::nullopt;
        }
        if (is_blank_byte(byte)) {
            blank = matched > 0;
            continue;
        }
        if (blank) {
            if (matched == asked.size() || asked[matched] != ' ') return false;
            ++matched;
            blank = false;
        }
        if (matched == asked.size() || asked[matched] != lower_byte(byte)) return false;
        ++matched;
    }
    return matched == asked.size();
}

}  // namespace

AskedTexts::AskedTexts(const Restriction& comparison)
    : column_(comparison.column), excludes_(comparison.excludes()) {
    for (const std::string& text : comparison.values) add(text);
}

void AskedTexts::add(const std::string& text) {
    if (std::ranges::find(asked_, text, &Asked::text) != asked_.end()) return;
    Asked asked{text, {}, false, 0, 2 * text.size() + more_bytes};
    append_likeness(asked.likeness, text);
    asked.ascii = is_ascii(asked.likeness);
    if (text.size() > more_bytes) asked.least = (text.size() - more_bytes + 1) / 2;
    least_ = std::min(least_, asked.least);
    most_ = std::max(most_, asked.most);
    asked_.push_back(std::move(asked));
}

const std::string* AskedTexts::compare(Bytes cell) {
    bool certain = true;
    const bool of_ascii = is_ascii(cell);
    for (const Asked& asked : asked_) {
        if (cell.size() < asked.least || cell.size() > asked.most) continue;
        if (!asked.ascii) {
            // No character beyond ASCII becomes one of ASCII.
            certain = certain && of_ascii;
            continue;
        }
        const std::optional<bool> like = is_like(cell, asked.likeness);
        if (!like || *like) certain = false;
    }
    return certain ? nullptr : compare_with_all(cell);
}

const std::string* AskedTexts::compare_with_all(Bytes cell) {
    const std::string* found = nullptr;
    likeness_.clear();
    append_likeness(likeness_, cell);
    for (const Asked& asked : asked_) {
        if (found != nullptr || cell.size() < asked.least || cell.size() > asked.most) continue;
        if (likeness_ == asked.likeness) found = &asked.text;
    }
    return found;
}

ValueWatch::ValueWatch(const Query& query, char newline, Doubts& doubts)
    : newline_(newline), doubts_(doubts) {
    if (!query.where) return;
    for (const Restriction* comparison : asked_texts(*query.where)) {
        asked_.emplace_back(*comparison);
    }
}

void ValueWatch::look_at_tested(const PlacedRows& rows) {
    const Batch& batch = rows.batch;
    if (batch.almost.empty()) return;
    find_alike(batch);
    if (alike_.empty()) return;
    enum class Fate : std::uint8_t { excluded, kept, bad };
    std::array<Fate, batch_rows> fates{};
    for (const std::uint16_t row : batch.selected) fates[row] = Fate::kept;
    for (const CellFault& fault : batch.faults) fates[fault.row] = Fate::bad;
    told_.clear();
    // Other comparisons noted theirs after all rows of the first.
    if (asked_.size() > 1) std::ranges::sort(alike_);
    for (const AlmostAsked& almost : alike_) {
        const Fate doubtful = asked_[almost.comparison].excludes() ? Fate::kept : Fate::excluded;
        if (fates[almost.row] == doubtful) look_at_cell(rows, almost);
    }
}

/// Finds the noted cells that look like a value. Usually there are none.
void ValueWatch::find_alike(const Batch& batch) {
    alike_.clear();
    const AlmostAsked* at = batch.almost.data();
    const AlmostAsked* const end = at + batch.almost.size();
    while (at != end) {
        const std::uint16_t comparison = at->comparison;
        AskedTexts& asked = asked_[comparison];
        const Bytes* const cells = batch.column(asked.column()).data();
        for (; at != end && at->comparison == comparison; ++at) {
            if (asked.like(cells[at->row]) != nullptr) alike_.push_back(*at);
        }
    }
}

/// Tells a cell, once for a column.
void ValueWatch::look_at_cell(const PlacedRows& rows, const AlmostAsked& almost) {
    AskedTexts& asked = asked_[almost.comparison];
    const std::uint32_t column = asked.column();
    const Bytes cell = rows.batch.column(column)[almost.row];
    const std::string* const text = asked.like(cell);
    if (text == nullptr) return;
    const auto in_column = [column](const AskedTexts& other) { return other.column() == column; };
    for (const AskedTexts& other : asked_) {
        if (in_column(other) && other.asks_for(cell)) return;
    }
    if (std::ranges::any_of(told_, [&](const AlmostAsked& told) {
            return told.row == almost.row && in_column(asked_[told.comparison]);
        })) {
        return;
    }
    if (asked_.size() > 1) told_.push_back(almost);
    const Doubt doubt = asked.excludes() ? Doubt::kept_values : Doubt::similar_values;
    Sighting& sighting = doubts_.of(doubt, column);
    if (!see(sighting, rows.starts[almost.row], rows.place, newline_)) return;
    sighting.column = column;
    sighting.example = show(cell) + " and " + show(*text);
}

}  // namespace csvmill
