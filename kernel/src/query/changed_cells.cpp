#include "query/changed_cells.hpp"

#include "query/appended_texts.hpp"
#include "text/case.hpp"
#include "text/normal_form.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

bool is_graphic_ascii(char byte) { return byte > ' ' && byte < 0x7F; }

Bytes trim(Bytes cell) {
    if (cell.empty() || (is_graphic_ascii(cell.front()) && is_graphic_ascii(cell.back()))) {
        return cell;
    }
    return trimmed(cell);
}

/// Calls `change` with each selected row and its cell, trimmed if the group says so. Rows for which
/// it returns false leave the selection: their cell is not a date.
template <typename Change>
void change_each(Batch& batch, const GroupColumn& group, const Change& change) {
    const Cells& cells = batch.column(group.column);
    Selection& selected = batch.selected;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < selected.size; ++i) {
        const std::uint16_t row = selected.rows[i];
        const bool good = change(row, group.trim ? trim(cells[row]) : cells[row]);
        selected.rows[kept] = row;
        if (good) [[likely]] {
            ++kept;
        } else {
            batch.faults.push_back({row, CellFault::Place::group, Kind::date, group.column});
        }
    }
    selected.size = kept;
}

void append_case(std::string& to, Bytes text, Case letters) {
    if (letters == Case::upper) {
        append_upper(to, text);
    } else {
        append_lower(to, text);
    }
}

/// Day, month and year are a part of the cell, without letters.
void shorten_dates(Batch& batch, const GroupColumn& group, std::size_t kept, Cells& to) {
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        to[row] = cell.substr(0, kept);
        return cell.empty() || is_calendar_date(cell);
    });
}

/// Other parts of a date, and dates that are not ISO 8601, are written anew.
void write_dates(Batch& batch, const GroupColumn& group, const DateFormat& format,
                 ChangedCells& to) {
    AppendedTexts texts(to.text);
    std::string part;
    Moment moment;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        part.clear();
        if (!cell.empty()) {
            if (!format.read(cell, moment)) return false;
            append_truncated(moment, *group.truncate, part);
        }
        if (group.letters == Case::none) {
            texts.text() += part;
        } else {
            append_case(texts.text(), part, group.letters);
        }
        texts.add(row);
        return true;
    });
    texts.set(to.cells);
}

/// No part has letters.
void write_parts(Batch& batch, const GroupColumn& group, const DateFormat& format,
                 ChangedCells& to) {
    AppendedTexts texts(to.text);
    Moment moment;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        if (!cell.empty()) {
            if (!format.read(cell, moment)) return false;
            append_part(moment, *group.part, texts.text());
        }
        texts.add(row);
        return true;
    });
    texts.set(to.cells);
}

/// `part_of` gives a part of each cell.
template <typename PartOf>
void take_texts(Batch& batch, const GroupColumn& group, ChangedCells& to, const PartOf& part_of) {
    AppendedTexts texts(to.text);
    const bool plain = group.letters == Case::none;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        const Bytes part = part_of(cell);
        to.cells[row] = part;
        if (!plain) {
            append_case(texts.text(), part, group.letters);
            texts.add(row);
        }
        return true;
    });
    if (!plain) texts.set(to.cells);
}

/// Makes `text` so large that all selected texts can be written to it, each with cell_padding.
void reserve_ascii(const Batch& batch, const Cells& cells, std::string& text) {
    std::size_t size = 0;
    for (const std::uint16_t row : batch.selected) size += cells[row].size() + cell_padding;
    if (text.size() > kept_text && size <= kept_text) clear_text(text);
    if (text.size() < size) text.resize(std::max(size, 2 * text.size()));
}

void change_case(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    reserve_ascii(batch, batch.column(group.column), to.ascii);
    AppendedTexts others(to.text);
    char* next = to.ascii.data();
    const auto write = group.letters == Case::upper ? write_ascii_upper : write_ascii_lower;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        if (write(next, cell)) [[likely]] {
            to.cells[row] = Bytes(next, cell.size());
            next += cell.size() + cell_padding;
        } else {
            append_case(others.text(), cell, group.letters);
            others.add(row);
        }
        return true;
    });
    others.set(to.cells);
}

void normalize(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    AppendedTexts others(to.text);
    std::string normal;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        if (group.letters == Case::none && is_surely_nfc(cell)) [[likely]] {
            to.cells[row] = cell;
            return true;
        }
        normal.clear();
        append_nfc(normal, cell);
        if (group.letters == Case::none) {
            others.text() += normal;
        } else {
            append_case(others.text(), normal, group.letters);
        }
        others.add(row);
        return true;
    });
    others.set(to.cells);
}

}  // namespace

void change_cells(Batch& batch, const GroupColumn& group, const DateFormat& dates,
                  ChangedCells& to) {
    const std::size_t kept = group.truncate ? kept_of_date(*group.truncate) : 0;
    if (group.truncate && (kept == 0 || !dates.is_default())) {
        write_dates(batch, group, dates, to);
    } else if (group.truncate) {
        shorten_dates(batch, group, kept, to.cells);
    } else if (group.nfc) {
        normalize(batch, group, to);
    } else if (group.part) {
        write_parts(batch, group, dates, to);
    } else if (group.substring) {
        take_texts(batch, group, to, [place = *group.substring](Bytes cell) {
            return characters(cell, place.first - 1, place.count);
        });
    } else if (group.match) {
        take_texts(batch, group, to,
                   [&pattern = *group.match](Bytes cell) { return pattern.taken(cell); });
    } else if (group.letters != Case::none) {
        change_case(batch, group, to);
    } else {
        change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
            to.cells[row] = cell;
            return true;
        });
    }
}

}  // namespace csvmill
