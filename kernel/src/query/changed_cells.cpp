#include "query/changed_cells.hpp"

#include "text/case.hpp"

namespace csvmill {

namespace {

bool is_graphic_ascii(char byte) { return byte > ' ' && byte < 0x7F; }

Bytes trim(Bytes cell) {
    if (cell.empty() || (is_graphic_ascii(cell.front()) && is_graphic_ascii(cell.back()))) {
        return cell;
    }
    return trimmed(cell);
}

void append_case(std::string& to, Bytes text, Case letters) {
    if (letters == Case::upper) {
        append_upper(to, text);
    } else {
        append_lower(to, text);
    }
}

/// Appends the text of a cell that is not empty. Returns false, and appends nothing, if it is not a
/// date, but should be. `date` is memory for a text.
bool append_changed(std::string& to, Bytes cell, const GroupColumn& group, std::string& date) {
    if (!group.truncate) {
        append_case(to, cell, group.letters);
        return true;
    }
    if (group.letters == Case::none) return append_truncated(cell, *group.truncate, to);
    date.clear();
    if (!append_truncated(cell, *group.truncate, date)) return false;
    append_case(to, date, group.letters);
    return true;
}

}  // namespace

void change_cells(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    const Cells& cells = batch.column(group.column);
    Selection& selected = batch.selected;
    if (!group.truncate && group.letters == Case::none) {
        for (const std::uint16_t row : selected) to.cells[row] = trim(cells[row]);
        return;
    }
    clear_text(to.text);
    std::string date;
    std::array<std::size_t, batch_rows> ends;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < selected.size; ++i) {
        const std::uint16_t row = selected.rows[i];
        const Bytes cell = group.trim ? trim(cells[row]) : cells[row];
        const bool good = cell.empty() || append_changed(to.text, cell, group, date);
        selected.rows[kept] = row;
        ends[kept] = to.text.size();
        if (good) [[likely]] {
            ++kept;
        } else {
            batch.faults.push_back({row, CellFault::Place::group, Kind::date, group.column});
        }
    }
    selected.size = kept;
    // The text grows no more: now views of it stay valid.
    to.text.append(cell_padding, ' ');
    const Bytes text = to.text;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < kept; ++i) {
        to.cells[selected.rows[i]] = text.substr(begin, ends[i] - begin);
        begin = ends[i];
    }
}

}  // namespace csvmill
