#include "state/group_ranges.hpp"

#include <algorithm>

#include "output/parallel.hpp"

namespace csvmill {

namespace {

/// Their keys and states fit into the cache of a core.
constexpr std::size_t groups_of_range = 6144;
constexpr std::size_t most_ranges = 4096;
constexpr std::size_t sample_of_range = 16;
constexpr std::size_t most_pieces = 256;
/// Groups between that which is fetched into the cache and that which is read.
constexpr std::size_t ahead = 16;
constexpr std::size_t ahead_in_key = 31;  ///< Bytes of a key that are fetched.

/// Pieces of memory of about equal size, of one or more pieces of the tables each.
std::vector<std::vector<std::span<std::byte>>> memory_of(std::span<GroupTable* const> tables) {
    std::vector<std::span<std::byte>> all;
    std::size_t total = 0;
    for (const GroupTable* table : tables)
        for (const std::span<std::byte> piece : table->pieces()) {
            all.push_back(piece);
            total += piece.size();
        }
    std::vector<std::vector<std::span<std::byte>>> pieces;
    std::size_t size = 0;
    for (const std::span<std::byte> piece : all) {
        if (pieces.empty() || size >= total / most_pieces) {
            pieces.emplace_back();
            size = 0;
        }
        pieces.back().push_back(piece);
        size += piece.size();
    }
    return pieces;
}

}  // namespace

GroupRanges::GroupRanges(std::span<GroupTable* const> tables, std::size_t threads)
    : layout_(tables.front()->layout()), cuts_(cuts_of(tables)) {
    for (GroupTable* table : tables) table->forget_slots();
    for (auto& memory : memory_of(tables)) pieces_.push_back({std::move(memory), {}, {}});
    for_each_task(threads, pieces_.size(), [&](std::size_t i) { divide(pieces_[i]); });
}

KeyCuts GroupRanges::cuts_of(std::span<GroupTable* const> tables) {
    std::size_t size = 0;
    for (const GroupTable* table : tables) size += table->size();
    const std::size_t ranges = std::clamp<std::size_t>(size / groups_of_range, 1, most_ranges);
    std::vector<Bytes> sample;
    if (ranges > 1) {
        for (const GroupTable* table : tables)
            table->sample(1 + ranges * sample_of_range * table->size() / size, sample);
    }
    return {std::move(sample), ranges};
}

void GroupRanges::divide(Piece& piece) const {
    std::vector<Group*> groups;
    std::vector<std::uint16_t> ranges;
    piece.starts.assign(size() + 1, 0);
    for (const std::span<std::byte> memory : piece.memory)
        for_each_group(memory, layout_, [&](Group* group) {
            const std::size_t range = cuts_.range_of(layout_.key(group));
            groups.push_back(group);
            ranges.push_back(static_cast<std::uint16_t>(range));
            ++piece.starts[range + 1];
        });
    for (std::size_t range = 0; range < size(); ++range)
        piece.starts[range + 1] += piece.starts[range];
    std::vector<std::uint32_t> places = piece.starts;
    piece.groups.resize(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) piece.groups[places[ranges[i]]++] = groups[i];
}

void GroupRanges::sorted(std::size_t range, std::vector<SortedGroup>& to,
                         GroupCopies* copies) const {
    to.clear();
    for (const Piece& piece : pieces_)
        for (Group* group : piece.of(range)) to.push_back({0, group});
    if (copies != nullptr) {
        copies->clear();
        for (std::size_t i = 0; i < to.size(); ++i) {
            if (i + ahead < to.size()) {
                const auto* next = reinterpret_cast<const char*>(to[i + ahead].group);
                __builtin_prefetch(next);
                __builtin_prefetch(next + layout_.header_size() + ahead_in_key);
            }
            to[i].group = copies->copy(to[i].group);
        }
    }
    const std::size_t skip = cuts_.shared(range);
    load_prefixes(to, layout_, skip);
    sort_groups(to, layout_, skip);
}

}  // namespace csvmill
