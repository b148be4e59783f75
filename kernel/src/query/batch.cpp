#include "query/batch.hpp"

#include <algorithm>
#include <span>

#include "text/show.hpp"
#include "values/cell_hints.hpp"

namespace csvmill {

namespace {

void add_columns(const Restriction& restriction, std::vector<std::uint32_t>& to) {
    if (restriction.form == Restriction::Form::comparison) {
        to.push_back(restriction.column);
        return;
    }
    for (const Restriction& part : restriction.parts) add_columns(part, to);
}

/// Comparisons with more texts do not count as asking for them.
constexpr std::size_t most_asked = 16;

void add_asked(const Restriction& restriction, std::vector<const Restriction*>& to) {
    for (const Restriction& part : restriction.parts) add_asked(part, to);
    if (restriction.form != Restriction::Form::comparison) return;
    const bool equal = restriction.op == Operator::eq || restriction.op == Operator::ne ||
                       restriction.op == Operator::in;
    if (!equal || restriction.kind != Kind::text || restriction.values.size() > most_asked) return;
    to.push_back(&restriction);
}

/// The end of a message about a cell that is not of a kind: what to set, if that is known.
std::string hint_of(Kind kind, Bytes cell, const Query& query) {
    if (!query.hints) return {};
    if (kind != Kind::text && means_missing(cell)) {
        return "; if it means a missing value, add " + show(cell) + " to input.null";
    }
    if (kind == Kind::date) return date_hint(cell, query.dates);
    const std::string settings = hint(kind, cell, query.notation);
    return settings.empty() ? settings : "; if it is one, set " + settings;
}

}  // namespace

std::string expectation(const CellFault& fault, Bytes cell, const Query& query) {
    if (fault.place == CellFault::Place::group) {
        return query.dates.expected(true) + hint_of(Kind::date, cell, query);
    }
    if (fault.too_long) return expected_short_number;
    if (fault.place == CellFault::Place::aggregate && fault.kind == Kind::text) {
        return "text (empty cells are errors here)";
    }
    if (query.nulls.contains(cell)) cell = {};
    std::string text = fault.kind == Kind::date ? query.dates.expected(false)
                                                : expected(fault.kind, query.notation);
    if (fault.place == CellFault::Place::where) text += " for the comparison in where";
    return text + hint_of(fault.kind, cell, query);
}

const Cells& Batch::column(std::uint32_t number) const {
    const auto found = std::lower_bound(columns.begin(), columns.end(), number);
    return cells[static_cast<std::size_t>(found - columns.begin())];
}

void empty_nulls(Batch& batch, const NullTexts& nulls, std::size_t columns) {
    for (Cells& cells : std::span(batch.cells).first(columns)) {
        for (std::size_t row = 0; row < batch.rows; ++row) {
            // What follows an empty cell can be read too.
            if (nulls.contains(cells[row])) cells[row] = cells[row].substr(0, 0);
        }
    }
}

void clear_text(std::string& text) {
    if (text.capacity() > kept_text) {
        std::string().swap(text);
    } else {
        text.clear();
    }
}

std::vector<const Restriction*> asked_texts(const Restriction& restriction) {
    std::vector<const Restriction*> found;
    add_asked(restriction, found);
    return found;
}

std::vector<std::uint32_t> used_columns(const Query& query, std::size_t width) {
    std::vector<std::uint32_t> columns = used_columns(query);
    columns.erase(std::ranges::lower_bound(columns, width), columns.end());
    return columns;
}

std::vector<std::uint32_t> used_columns(const Query& query) {
    std::vector<std::uint32_t> columns;
    for (const GroupColumn& group : query.group_by) columns.push_back(group.column);
    for (const Aggregate& aggregate : query.aggregates) {
        if (aggregate.column) columns.push_back(*aggregate.column);
        if (aggregate.operation != Operation::none) columns.push_back(aggregate.operand);
        if (aggregate.where) add_columns(*aggregate.where, columns);
    }
    if (query.where) add_columns(*query.where, columns);
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    return columns;
}

}  // namespace csvmill
