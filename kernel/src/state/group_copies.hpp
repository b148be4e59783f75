/// Copies of groups that are used together.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "groups/aggregator.hpp"

namespace csvmill {

/// Copies groups to memory that follows one another: in the order of keys, groups are far from each
/// other, and many more pages than the processor knows the places of. The memory is used again.
class GroupCopies {
public:
    explicit GroupCopies(const Layout& layout) : layout_(layout) {}

    /// Forgets all copies. States are not destroyed.
    void clear() { block_ = used_ = 0; }

    /// A copy of `group`, or itself if it is large. It owns what the states of `group` own.
    Group* copy(Group* group) {
        const std::size_t words = layout_.group_size(group) / sizeof(std::uint64_t);
        if (words > block_words / 64) return group;
        if (used_ + words > block_words) {
            ++block_;
            used_ = 0;
        }
        if (block_ == blocks_.size()) {
            blocks_.push_back(std::make_unique_for_overwrite<std::uint64_t[]>(block_words));
        }
        std::uint64_t* const to = blocks_[block_].get() + used_;
        used_ += words;
        std::memcpy(to, group, words * sizeof(std::uint64_t));
        return reinterpret_cast<Group*>(to);
    }

private:
    static constexpr std::size_t block_words = std::size_t{1} << 15;

    const Layout& layout_;
    std::vector<std::unique_ptr<std::uint64_t[]>> blocks_;
    std::size_t block_ = 0;
    std::size_t used_ = 0;  ///< Words of the block.
};

}  // namespace csvmill
