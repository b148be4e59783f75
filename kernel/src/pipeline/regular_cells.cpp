#include "pipeline/regular_cells.hpp"

#include <bit>
#include <cstring>

#include "text/sixteen.hpp"

namespace csvmill {

void RegularCells::begin_batch(std::size_t size) {
    size_ = 0;
    if (size + cell_padding <= capacity_) return;
    capacity_ = size + cell_padding;
    text_ = std::make_unique_for_overwrite<char[]>(capacity_);
}

void RegularCells::find(const RecordIndex& index, Bytes data, std::size_t first, std::size_t rows,
                        std::uint32_t column, Cells& cells) {
    const std::size_t stride = index.kept->stride();
    const std::uint32_t* end = index.end_of(first, column);
    Bytes* const to = cells.data();
    const auto cell = [&] {
        const std::uint32_t begin = end[-1] + 1;
        return Bytes(data.data() + begin, *end - begin);
    };
    if (index.crlf && column + 1 == index.kept->width()) {
        for (std::size_t i = 0; i < rows; ++i, end += stride) {
            const Bytes found = cell();
            const Bytes line = found.substr(0, found.size() - (found.ends_with('\r') ? 1 : 0));
            to[i] = index.quotes ? unquoted(line) : line;
        }
    } else if (index.quotes) {
        for (std::size_t i = 0; i < rows; ++i, end += stride) to[i] = unquoted(cell());
    } else {
        for (std::size_t i = 0; i < rows; ++i, end += stride) to[i] = cell();
    }
}

Bytes RegularCells::unquoted(Bytes cell) {
    if (cell.empty() || cell.front() != quote_) return cell;
    const Bytes text(cell.data() + 1, cell.size() - 2);
    for (std::size_t at = 0; at < text.size(); at += Sixteen::size) {
        if (Sixteen(text.data() + at).find(quote_) < text.size() - at) return without_doubled(text);
    }
    return text;
}

/// A copy of `text`, in which quotes are doubled.
Bytes RegularCells::without_doubled(Bytes text) {
    char* const begin = text_.get() + size_;
    char* to = begin;
    const char* from = text.data();
    auto left = static_cast<std::ptrdiff_t>(text.size());
    while (left > 0) {
        const Sixteen characters(from);
        characters.store(to);
        const auto before = static_cast<std::ptrdiff_t>(characters.find(quote_));
        const bool doubled = before < static_cast<std::ptrdiff_t>(Sixteen::size);
        if (before >= left) {
            to += left;
            break;
        }
        from += before + (doubled ? 2 : 0);
        left -= before + (doubled ? 2 : 0);
        to += before + (doubled ? 1 : 0);
    }
    size_ = static_cast<std::size_t>(to - text_.get());
    return {begin, static_cast<std::size_t>(to - begin)};
}

}  // namespace csvmill
