#include "query/row_reader.hpp"

#include "query/changed_cells.hpp"
#include "query/key.hpp"

namespace csvmill {

namespace {

/// Reads the cells of the selected rows: `read` is called with each row whose cell is not empty,
/// and returns whether the cell is of its kind. Rows with a bad cell leave the selection.
template <typename Read>
void read_cells(Batch& batch, const Aggregate& aggregate, const Cells& cells, Values& values,
                const Read& read) {
    // Pointers, as rows are known to be within the arrays.
    std::uint16_t* const rows = batch.selected.rows.data();
    const Bytes* const texts = cells.data();
    bool* const presents = values.present.data();
    const std::size_t size = batch.selected.size;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint16_t row = rows[i];
        const Bytes cell = texts[row];
        const bool present = !cell.empty();
        const bool good = present ? read(row, cell) : !aggregate.strict;
        presents[row] = present;
        rows[kept] = row;
        if (good) [[likely]] {
            ++kept;
        } else {
            batch.faults.push_back(
                {row, CellFault::Place::aggregate, aggregate.kind, *aggregate.column});
        }
    }
    batch.selected.size = kept;
}

void read_text(Batch& batch, const Aggregate& aggregate, const Cells& cells, Values& values) {
    values.cells = &cells;
    if (aggregate.strict) {
        return read_cells(batch, aggregate, cells, values, [](std::size_t, Bytes) { return true; });
    }
    for (const std::uint16_t row : batch.selected) values.present[row] = !cells[row].empty();
}

void read_dates(Batch& batch, const Aggregate& aggregate, const Cells& cells, Values& values) {
    values.cells = &cells;
    values.dates.resize(batch_rows);
    Instant* const dates = values.dates.data();
    read_cells(batch, aggregate, cells, values, [dates](std::size_t row, Bytes cell) {
        const std::optional<Instant> date = read_date(cell);
        if (date) dates[row] = *date;
        return date.has_value();
    });
}

void read_numbers(Batch& batch, const Aggregate& aggregate, const Cells& cells,
                  const Notation& notation, Values& values) {
    values.numbers.resize(batch_rows);
    Decimal* const numbers = values.numbers.data();
    // A copy, so that it does not have to be read again after each number that is written.
    const Notation of_cells = notation;
    if (aggregate.kind == Kind::integer) {
        read_cells(batch, aggregate, cells, values, [=](std::size_t row, Bytes cell) {
            return read_integer<Readable::beyond>(cell, of_cells, numbers[row]);
        });
    } else {
        read_cells(batch, aggregate, cells, values, [=](std::size_t row, Bytes cell) {
            return read_number<Readable::beyond>(cell, of_cells, numbers[row]);
        });
    }
}

/// Takes the values that an earlier aggregate has read from the same cells.
void copy_values(Batch& batch, const Aggregate& aggregate, const Cells& cells, const Values& from,
                 Values& values) {
    values.numbers.resize(from.numbers.size());
    values.dates.resize(from.dates.size());
    values.cells = from.cells;
    if (aggregate.kind == Kind::date) {
        read_cells(batch, aggregate, cells, values, [&](std::size_t row, Bytes) {
            values.dates[row] = from.dates[row];
            return true;
        });
        return;
    }
    Decimal* const numbers = values.numbers.data();
    const Decimal* const read = from.numbers.data();
    const auto copy = [=](std::size_t row) {
        if (read[row].is_big()) [[unlikely]] {
            numbers[row] = read[row];
        } else {
            numbers[row].set(read[row].small(), read[row].scale());
        }
    };
    if (aggregate.strict) {
        read_cells(batch, aggregate, cells, values, [&](std::size_t row, Bytes) {
            copy(row);
            return true;
        });
        return;
    }
    values.present = from.present;
    for (const std::uint16_t row : batch.selected) {
        if (values.present[row]) copy(row);
    }
}

/// An aggregate before `i` that reads the same column as the same kind, if that is not text.
std::optional<std::size_t> same_values(const std::vector<Aggregate>& aggregates, std::size_t i) {
    const Aggregate& aggregate = aggregates[i];
    if (aggregate.kind == Kind::text) return std::nullopt;
    for (std::size_t j = 0; j < i; ++j) {
        if (aggregates[j].column == aggregate.column && aggregates[j].kind == aggregate.kind) {
            return j;
        }
    }
    return std::nullopt;
}

}  // namespace

RowReader::RowReader(const Query& query) : query_(query) {
    for (const GroupColumn& group : query.group_by) plain_ = plain_ && group.plain();
    for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
        same_.push_back(same_values(query.aggregates, i));
    }
}

void RowReader::read_keys(Batch& batch) const {
    if (!plain_) batch.changed.resize(query_.group_by.size());
    batch.key_cells.clear();
    for (std::size_t i = 0; i < query_.group_by.size(); ++i) {
        const GroupColumn& group = query_.group_by[i];
        if (group.plain()) {
            batch.key_cells.push_back(&batch.column(group.column));
        } else {
            change_cells(batch, group, batch.changed[i]);
            batch.key_cells.push_back(&batch.changed[i].cells);
        }
    }
    make_keys(batch);
}

void RowReader::read_values(Batch& batch) const {
    batch.values.resize(query_.aggregates.size());
    for (std::size_t i = 0; i < query_.aggregates.size(); ++i) {
        const Aggregate& aggregate = query_.aggregates[i];
        Values& values = batch.values[i];
        if (!aggregate.column) {
            values.cells = nullptr;
            values.present.fill(true);
            continue;
        }
        const Cells& cells = batch.column(*aggregate.column);
        if (same_[i]) {
            copy_values(batch, aggregate, cells, batch.values[*same_[i]], values);
        } else if (aggregate.kind == Kind::text) {
            read_text(batch, aggregate, cells, values);
        } else if (aggregate.kind == Kind::date) {
            read_dates(batch, aggregate, cells, values);
        } else {
            read_numbers(batch, aggregate, cells, query_.notation, values);
        }
    }
}

}  // namespace csvmill
