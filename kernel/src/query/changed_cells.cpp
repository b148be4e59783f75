#include "query/changed_cells.hpp"

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

/// Texts of rows that are appended to a text, which may move while it grows.
class AppendedTexts {
public:
    explicit AppendedTexts(std::string& text) : text_(text) { clear_text(text_); }

    std::string& text() { return text_; }

    /// The text of `row` is all that was appended since the last call.
    void add(std::uint16_t row) {
        rows_[size_] = row;
        ends_[size_++] = text_.size();
    }

    /// Sets the cells of all rows that were added. Then no more may be appended.
    void set(Cells& cells) {
        text_.append(cell_padding, ' ');
        std::size_t begin = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            cells[rows_[i]] = Bytes(text_).substr(begin, ends_[i] - begin);
            begin = ends_[i];
        }
    }

private:
    std::string& text_;
    std::array<std::uint16_t, batch_rows> rows_;
    std::array<std::size_t, batch_rows> ends_;
    std::size_t size_ = 0;
};

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

void write_weeks(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    AppendedTexts texts(to.text);
    std::string week;
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        week.clear();
        if (!cell.empty() && !append_truncated(cell, Truncation::week, week)) return false;
        if (group.letters == Case::none) {
            texts.text() += week;
        } else {
            append_case(texts.text(), week, group.letters);
        }
        texts.add(row);
        return true;
    });
    texts.set(to.cells);
}

/// No part has letters.
void write_parts(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    AppendedTexts texts(to.text);
    change_each(batch, group, [&](std::uint16_t row, Bytes cell) {
        if (!cell.empty() && !append_part(cell, *group.part, texts.text())) return false;
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

void change_cells(Batch& batch, const GroupColumn& group, ChangedCells& to) {
    if (group.truncate == Truncation::week) {
        write_weeks(batch, group, to);
    } else if (group.truncate) {
        shorten_dates(batch, group, kept_of_date(*group.truncate), to.cells);
    } else if (group.nfc) {
        normalize(batch, group, to);
    } else if (group.part) {
        write_parts(batch, group, to);
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
