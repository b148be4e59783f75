/// The fields of a record whose places an index keeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace csvmill {

/// The separators (delimiters, and the line end) of a record that are kept, by number from 0: those
/// before and after the fields that are read, and the last one. With few fields, all are kept.
class KeptFields {
public:
    /// All fields of records of `width` fields.
    explicit KeptFields(std::uint32_t width) : width_(width) { keep_all(); }

    /// The fields in `columns`, which are ascending.
    KeptFields(std::uint32_t width, const std::vector<std::uint32_t>& columns) : width_(width) {
        for (const std::uint32_t column : columns) {
            if (column > 0) keep(column - 1);
            keep(column);
        }
        keep(width - 1);
        // To leave out a few is slower than to keep them.
        if (2 * separators_.size() > width) keep_all();
    }

    std::uint32_t width() const { return width_; }
    bool all() const { return separators_.size() == width_; }
    const std::vector<std::uint32_t>& separators() const { return separators_; }

    /// The number of kept separators of a record.
    std::size_t stride() const { return separators_.size(); }

    /// The place among the kept separators of the one that ends field `column`, which is kept. The
    /// one before it, perhaps that of the record before, precedes the field.
    std::size_t place(std::uint32_t column) const {
        return static_cast<std::size_t>(std::ranges::lower_bound(separators_, column) -
                                        separators_.begin());
    }

private:
    void keep(std::uint32_t separator) {
        if (separators_.empty() || separators_.back() < separator) separators_.push_back(separator);
    }
    void keep_all() {
        separators_.resize(width_);
        for (std::uint32_t i = 0; i < width_; ++i) separators_[i] = i;
    }

    std::uint32_t width_;
    std::vector<std::uint32_t> separators_;
};

}  // namespace csvmill
