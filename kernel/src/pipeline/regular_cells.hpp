/// The cells of regular records.
#pragma once

#include <cstddef>
#include <memory>

#include "csv/record_index.hpp"
#include "query/batch.hpp"

namespace csvmill {

/// Finds cells, column by column. Those with doubled quotes are copied; they are valid until the
/// next batch.
class RegularCells {
public:
    explicit RegularCells(const Dialect& dialect)
        : quote_(dialect.quote.empty() ? '\0' : dialect.quote[0]) {}

    /// Begins a batch whose quoted cells have at most `size` bytes.
    void begin_batch(std::size_t size);

    /// Sets the cells of `column` in `rows` records from `first` on. 64 bytes after `data` can be
    /// read.
    void find(const RecordIndex& index, Bytes data, std::size_t first, std::size_t rows,
              std::uint32_t column, Cells& cells);

private:
    Bytes unquoted(Bytes cell);
    std::uint64_t quotes_of(Bytes text) const;
    Bytes without_doubled(Bytes text);

    char quote_;
    std::unique_ptr<char[]> text_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

}  // namespace csvmill
