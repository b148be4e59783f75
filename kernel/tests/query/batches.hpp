/// Batches for tests.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "query/batch.hpp"

namespace csvmill {

/// A batch of rows of a file that has as many columns as each row has texts.
class BatchOf {
public:
    explicit BatchOf(const std::vector<std::vector<std::string>>& rows) {
        batch.rows = rows.size();
        batch.selected.all(rows.size());
        const std::size_t width = rows.empty() ? 0 : rows.front().size();
        batch.cells.resize(width);
        for (std::uint32_t column = 0; column < width; ++column) batch.columns.push_back(column);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            for (std::size_t column = 0; column < width; ++column) {
                const std::string& text = rows[row][column];
                // Memory of exactly the bytes that may be read, so that a sanitizer sees others.
                std::vector<char>& copy = copies_.emplace_back(text.begin(), text.end());
                copy.resize(text.size() + cell_padding);
                batch.cells[column][row] = Bytes(copy.data(), text.size());
            }
        }
    }

    std::vector<std::size_t> selected() const {
        return {batch.selected.begin(), batch.selected.end()};
    }

    Batch batch;

private:
    std::deque<std::vector<char>> copies_;
};

}  // namespace csvmill
