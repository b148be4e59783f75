/// The positions of all records of a block.
#pragma once

#include <cstdint>
#include <deque>

#include "csv/record_index.hpp"

namespace csvmill {

/// Parts of a block, of which each is regular or not. Used for many blocks.
class BlockIndex {
public:
    /// Removes all parts. Records begin at `begin`.
    void clear(std::size_t begin) {
        size_ = 0;
        end_ = begin;
        footer_ = false;
    }

    /// Adds a part, whose content is that of an earlier block.
    RecordIndex& add() {
        if (size_ == parts_.size()) parts_.emplace_back();
        return parts_[size_++];
    }

    /// Ends the part that was added last. One without any text is removed.
    void end_part() {
        const RecordIndex& part = parts_[size_ - 1];
        end_ = part.end;
        footer_ = part.footer;
        if (part.begin == part.end) --size_;
    }

    std::size_t size() const { return size_; }
    const RecordIndex& operator[](std::size_t i) const { return parts_[i]; }

    /// Where the last whole record ends: the rest is unfinished.
    std::size_t end() const { return end_; }
    /// Whether the last record is too long: the rest of its line is dropped.
    bool dropping() const { return size_ > 0 && parts_[size_ - 1].dropping; }
    /// Whether the table ends at `end()`: what follows is passed over.
    bool footer() const { return footer_; }
    /// What is above a record after the block, if `above` is above its first one.
    Above above_next(Above above) const {
        for (std::size_t i = 0; i < size_; ++i) above = parts_[i].above_next(above);
        return above;
    }
    std::uint64_t line_ends() const {
        std::uint64_t all = 0;
        for (std::size_t i = 0; i < size_; ++i) all += parts_[i].line_ends;
        return all;
    }

private:
    std::deque<RecordIndex> parts_;  ///< References stay valid.
    std::size_t size_ = 0;
    std::size_t end_ = 0;
    bool footer_ = false;
};

}  // namespace csvmill
