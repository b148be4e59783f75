#include "query/row_reader.hpp"

#include <algorithm>

#include "query/appended_texts.hpp"
#include "query/changed_cells.hpp"
#include "query/key.hpp"

namespace csvmill {

namespace {

/// How the cells of a column are read for an aggregate.
struct Reading {
    std::uint32_t column;
    Kind kind;
    bool strict;
    bool multiplied;  ///< Whether numbers that `is_long` are bad.

    static Reading of(const Aggregate& aggregate, std::uint32_t column) {
        return {column, aggregate.kind, aggregate.strict, aggregate.multiplies()};
    }
};

void add_fault(Batch& batch, const Reading& reading, std::uint16_t row, bool too_long = false) {
    batch.faults.push_back(
        {row, CellFault::Place::aggregate, reading.kind, reading.column, too_long});
}

/// Reads the cells of the selected rows: `read` is called with each row whose cell is not empty,
/// and returns whether the cell is of its kind. Rows with a bad cell leave the selection.
template <typename Read>
void read_cells(Batch& batch, const Reading& reading, const Cells& cells, Values& values,
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
        const bool good = present ? read(row, cell) : !reading.strict;
        presents[row] = present;
        rows[kept] = row;
        if (good) [[likely]] {
            ++kept;
        } else {
            add_fault(batch, reading, row);
        }
    }
    batch.selected.size = kept;
}

/// Removes the rows for which `good` is false from the selection, as faults.
template <typename Good>
void check_rows(Batch& batch, const Reading& reading, bool too_long, const Good& good) {
    std::uint16_t* const rows = batch.selected.rows.data();
    std::size_t kept = 0;
    for (const std::uint16_t row : batch.selected) {
        rows[kept] = row;
        if (good(row)) [[likely]] {
            ++kept;
        } else {
            add_fault(batch, reading, row, too_long);
        }
    }
    batch.selected.size = kept;
}

/// Removes the rows whose cell is empty, for an aggregate that needs a value.
void check_present(Batch& batch, const Reading& reading, const Cells& cells) {
    check_rows(batch, reading, false, [&cells](std::size_t row) { return !cells[row].empty(); });
}

/// Removes the rows whose number is too long to be multiplied.
void check_length(Batch& batch, const Reading& reading, const Values& values) {
    check_rows(batch, reading, true, [&values](std::size_t row) {
        return !values.present[row] || !values.numbers[row].is_long();
    });
}

void read_text(Batch& batch, const Reading& reading, const Cells& cells, Values& values) {
    values.cells = &cells;
    if (reading.strict) check_present(batch, reading, cells);
    for (const std::uint16_t row : batch.selected) values.present[row] = !cells[row].empty();
}

/// Reads dates whose text is not that of their cell.
void rewrite_dates(Batch& batch, const Reading& reading, const Cells& cells,
                   const DateFormat& format, Values& values) {
    if (!values.iso) values.iso = std::make_unique<ChangedCells>();
    AppendedTexts texts(values.iso->text);
    Instant* const dates = values.dates.data();
    read_cells(batch, reading, cells, values, [&](std::uint16_t row, Bytes cell) {
        Moment moment;
        if (!format.read(cell, moment)) return false;
        dates[row] = instant_of(moment);
        format.append_iso(moment, texts.text());
        texts.add(row);
        return true;
    });
    texts.set(values.iso->cells);
    values.cells = &values.iso->cells;
}

void read_dates(Batch& batch, const Reading& reading, const Cells& cells, const DateFormat& format,
                Values& values) {
    values.cells = &cells;
    values.dates.resize(batch_rows);
    if (!format.is_iso()) return rewrite_dates(batch, reading, cells, format, values);
    Instant* const dates = values.dates.data();
    if (!format.is_default()) {
        return read_cells(batch, reading, cells, values, [&](std::size_t row, Bytes cell) {
            const std::optional<Instant> date = format.instant(cell);
            if (date) dates[row] = *date;
            return date.has_value();
        });
    }
    read_cells(batch, reading, cells, values, [dates](std::size_t row, Bytes cell) {
        const std::optional<Instant> date = read_date(cell);
        if (date) dates[row] = *date;
        return date.has_value();
    });
}

void read_numbers(Batch& batch, const Reading& reading, const Cells& cells,
                  const Notation& notation, Values& values) {
    values.numbers.resize(batch_rows);
    Decimal* const numbers = values.numbers.data();
    // A copy, so that it does not have to be read again after each number that is written.
    const Notation of_cells = notation;
    if (reading.kind == Kind::integer) {
        read_cells(batch, reading, cells, values, [=](std::size_t row, Bytes cell) {
            return read_integer<Readable::beyond>(cell, of_cells, numbers[row]);
        });
    } else {
        std::uint32_t scales = 0;
        read_cells(batch, reading, cells, values, [=, &scales](std::size_t row, Bytes cell) {
            const bool read = read_number<Readable::beyond>(cell, of_cells, numbers[row]);
            scales |= numbers[row].scale();
            return read;
        });
        values.decimals = scales != 0;
    }
    if (reading.multiplied) check_length(batch, reading, values);
}

void apply(Operation operation, Decimal& to, const Decimal& operand) {
    switch (operation) {
        case Operation::none:
            break;
        case Operation::add:
            to.add(operand);
            break;
        case Operation::subtract:
            to.subtract(operand);
            break;
        case Operation::multiply:
            to = Decimal::product(to, operand);
            break;
    }
}

/// Reads two columns, and computes a number of each row that has both.
void read_operation(Batch& batch, const Aggregate& aggregate, const Notation& notation,
                    Values& values) {
    const auto read = [&](std::uint32_t column, Values& to) {
        const Reading reading = Reading::of(aggregate, column);
        read_numbers(batch, reading, batch.column(column), notation, to);
    };
    read(*aggregate.column, values);
    read(aggregate.operand, batch.operands);
    for (const std::uint16_t row : batch.selected) {
        values.present[row] = values.present[row] && batch.operands.present[row];
        if (!values.present[row]) continue;
        apply(aggregate.operation, values.numbers[row], batch.operands.numbers[row]);
    }
}

/// Whether two aggregates read the same values.
bool same_values(const Aggregate& a, const Aggregate& b) {
    if (a.where || b.where || a.column != b.column || a.kind != b.kind) return false;
    if (a.operation == Operation::none) return b.operation == Operation::none;
    return a.operation == b.operation && a.operand == b.operand && a.strict == b.strict &&
           a.multiplies() == b.multiplies();
}

/// The first aggregate that reads the same values as aggregate `i`.
std::size_t source_of(const std::vector<Aggregate>& aggregates, std::size_t i) {
    for (std::size_t source = 0; source < i; ++source) {
        if (same_values(aggregates[source], aggregates[i])) return source;
    }
    return i;
}

/// Removes the rows from `rows` that have a fault from number `first` on.
void remove_bad(Selection& rows, const std::vector<CellFault>& faults, std::size_t first) {
    for (std::size_t i = first; i < faults.size(); ++i) {
        std::uint16_t* const end = rows.rows.data() + rows.size;
        std::uint16_t* const kept = std::remove(rows.rows.data(), end, faults[i].row);
        rows.size = static_cast<std::size_t>(kept - rows.rows.data());
    }
}

}  // namespace

RowReader::RowReader(const Query& query) : query_(query) {
    for (const GroupColumn& group : query.group_by) plain_ = plain_ && group.plain();
    for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
        sources_.push_back(source_of(query.aggregates, i));
        const std::optional<Restriction>& where = query.aggregates[i].where;
        conditions_.emplace_back();
        if (where) conditions_.back().emplace(*where, query.notation, query.dates);
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
            change_cells(batch, group, query_.dates, batch.changed[i]);
            batch.key_cells.push_back(&batch.changed[i].cells);
        }
    }
    make_keys(batch);
}

void RowReader::read_values(Batch& batch) const {
    batch.values.resize(query_.aggregates.size());
    batch.sources = sources_;
    for (std::size_t i = 0; i < query_.aggregates.size(); ++i) {
        if (!conditions_[i]) {
            read_values(batch, i);
            continue;
        }
        Selection all = batch.selected;
        const std::size_t faults = batch.faults.size();
        conditions_[i]->select(batch);
        batch.values[i].present.fill(false);
        read_values(batch, i);
        remove_bad(all, batch.faults, faults);
        batch.selected = all;
    }
}

/// Reads the values of an aggregate.
void RowReader::read_values(Batch& batch, std::size_t i) const {
    const Aggregate& aggregate = query_.aggregates[i];
    Values& values = batch.values[i];
    if (!aggregate.column) {
        values.cells = nullptr;
        if (!aggregate.where) {
            values.present.fill(true);
        } else {
            for (const std::uint16_t row : batch.selected) values.present[row] = true;
        }
        return;
    }
    const Reading reading = Reading::of(aggregate, *aggregate.column);
    const Cells& cells = batch.column(*aggregate.column);
    if (aggregate.operation != Operation::none) {
        if (sources_[i] == i) read_operation(batch, aggregate, query_.notation, values);
    } else if (sources_[i] != i) {
        if (aggregate.strict) check_present(batch, reading, cells);
        if (reading.multiplied) check_length(batch, reading, batch.values[sources_[i]]);
    } else if (aggregate.kind == Kind::text) {
        read_text(batch, reading, cells, values);
    } else if (aggregate.kind == Kind::date) {
        read_dates(batch, reading, cells, query_.dates, values);
    } else {
        read_numbers(batch, reading, cells, query_.notation, values);
    }
}

}  // namespace csvmill
