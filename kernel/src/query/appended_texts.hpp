/// Texts that replace the cells of a batch.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "query/batch.hpp"

namespace csvmill {

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

}  // namespace csvmill
