#include "query/row_reader.hpp"

#include "query/changed_cells.hpp"
#include "query/key.hpp"

namespace csvmill {

namespace {

void add_fault(Batch& batch, const Aggregate& aggregate, std::uint16_t row) {
    batch.faults.push_back({row, CellFault::Place::aggregate, aggregate.kind, *aggregate.column});
}

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
            add_fault(batch, aggregate, row);
        }
    }
    batch.selected.size = kept;
}

/// Removes the rows from the selection whose cell is empty, for an aggregate that needs a value.
void check_present(Batch& batch, const Aggregate& aggregate, const Cells& cells) {
    std::uint16_t* const rows = batch.selected.rows.data();
    std::size_t kept = 0;
    for (const std::uint16_t row : batch.selected) {
        rows[kept] = row;
        if (!cells[row].empty()) [[likely]] {
            ++kept;
        } else {
            add_fault(batch, aggregate, row);
        }
    }
    batch.selected.size = kept;
}

void read_text(Batch& batch, const Aggregate& aggregate, const Cells& cells, Values& values) {
    values.cells = &cells;
    if (aggregate.strict) check_present(batch, aggregate, cells);
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

/// The first aggregate that reads the same column as the same kind as aggregate `i`.
std::size_t source_of(const std::vector<Aggregate>& aggregates, std::size_t i) {
    const Aggregate& aggregate = aggregates[i];
    std::size_t source = 0;
    while (aggregates[source].column != aggregate.column ||
           aggregates[source].kind != aggregate.kind) {
        ++source;
    }
    return source;
}

}  // namespace

RowReader::RowReader(const Query& query) : query_(query) {
    for (const GroupColumn& group : query.group_by) plain_ = plain_ && group.plain();
    for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
        sources_.push_back(source_of(query.aggregates, i));
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
    batch.sources = sources_;
    for (std::size_t i = 0; i < query_.aggregates.size(); ++i) {
        const Aggregate& aggregate = query_.aggregates[i];
        Values& values = batch.values[i];
        if (!aggregate.column) {
            values.cells = nullptr;
            values.present.fill(true);
            continue;
        }
        const Cells& cells = batch.column(*aggregate.column);
        if (sources_[i] != i) {
            if (aggregate.strict) check_present(batch, aggregate, cells);
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
