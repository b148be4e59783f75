#include "pipeline/regular_cells.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/byte_mask.hpp"

namespace csvmill {
namespace {

static_assert(2 * cell_padding == mask_bytes);

/// Copies `size` bytes, at most 64. Up to `cell_padding` more are read and written.
char* copy(char* to, const char* from, std::size_t size) {
    std::memcpy(to, from, cell_padding);
    if (size > cell_padding) std::memcpy(to + cell_padding, from + cell_padding, cell_padding);
    return to + size;
}

}  // namespace

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
    for (std::size_t at = 0; at < text.size(); at += mask_bytes) {
        if (quotes_of(text.substr(at)) != 0) return without_doubled(text);
    }
    return text;
}

/// The quotes in the first 64 bytes of `text`.
std::uint64_t RegularCells::quotes_of(Bytes text) const {
    const std::uint64_t quotes = mask_of_64(text.data(), quote_);
    return text.size() < mask_bytes ? quotes & ~(~std::uint64_t{0} << text.size()) : quotes;
}

/// A copy of `text`, in which quotes are doubled.
Bytes RegularCells::without_doubled(Bytes text) {
    char* const begin = text_.get() + size_;
    char* to = begin;
    while (!text.empty()) {
        std::size_t at = 0;
        for (std::uint64_t quotes = quotes_of(text); quotes != 0;) {
            const auto quote = static_cast<std::size_t>(std::countr_zero(quotes));
            to = copy(to, text.data() + at, quote + 1 - at);
            at = quote + 2;  // It may be beyond the 64 bytes.
            quotes &= ~(std::uint64_t{3} << quote);
        }
        const std::size_t end = std::min(text.size(), mask_bytes);
        if (at < end) {
            to = copy(to, text.data() + at, end - at);
            at = end;
        }
        text.remove_prefix(at);
    }
    size_ = static_cast<std::size_t>(to - text_.get());
    return {begin, static_cast<std::size_t>(to - begin)};
}

}  // namespace csvmill
