/// The bytes of values that aggregates keep.
#pragma once

#include <string>

#include "query/batch.hpp"

namespace csvmill {

/// For `Aggregator::kept_cells` of numbers: bytes that sort (memcmp) as the numbers do.
inline const Bytes* sortable_cells(const Batch& batch, const Values& values, std::string& text,
                                   Cells& made) {
    std::array<std::size_t, batch_rows> ends;
    std::size_t count = 0;
    text.clear();
    for (const std::uint16_t row : batch.selected) {
        if (values.present[row]) values.numbers[row].append_sortable(text);
        ends[count++] = text.size();
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < count; begin = ends[i++]) {
        made[batch.selected.rows[i]] = Bytes(text).substr(begin, ends[i] - begin);
    }
    return made.data();
}

}  // namespace csvmill
