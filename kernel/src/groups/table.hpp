/// The groups of one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "groups/aggregator.hpp"
#include "groups/kept_values.hpp"
#include "groups/memory.hpp"

namespace csvmill {

inline constexpr std::size_t partitions = 64;

/// A sorted group: the first bytes of its key, for fast comparisons, and the group.
struct SortedGroup {
    std::uint64_t prefix = 0;  ///< 8 bytes of the key, big-endian, from `skip` on; zeros after its end.
    Group* group = nullptr;
};

/// A hash table of groups in `partitions` parts by the highest bits of the hash, so that tables of
/// several threads are merged part by part, and growth is small. The hash is seeded: keys are
/// hostile. Keys of all tables of an attempt need the same seed.
class GroupTable {
public:
    GroupTable(const Layout& layout, std::uint64_t seed, Budget& budget);
    ~GroupTable();

    /// Adds the selected rows of `batch`: finds or creates the group of each, and updates its states
    /// and kept values. Hashes, prefetches and probes batch by batch.
    void add(const Batch& batch);

    std::size_t size() const;

    /// Moves all groups and values of part `part` of `other` into this table. Tables of the same
    /// layout and seed; parts are independent: threads may absorb different parts at once if each
    /// passes its own `budget`.
    void absorb(GroupTable& other, std::size_t part, Budget& budget);

    /// All groups of a part, or of all parts, unordered. Valid until `clear`.
    void collect(std::size_t part, std::vector<Group*>& to) const;

    /// The kept values of aggregate `i` in a part; null if it keeps none.
    KeptValues* kept(std::size_t i, std::size_t part);

    /// Destroys all groups and frees their memory.
    void clear();

    const Layout& layout() const { return layout_; }

private:
    struct Part;
    const Layout& layout_;
    std::uint64_t seed_;
    Budget& budget_;
    std::vector<Part> parts_;
};

/// The hash of a key: fast, of good quality, different for each seed.
std::uint64_t hash_of(Bytes key, std::uint64_t seed);

/// Sorts by key, bytewise. `groups` hold prefixes from `skip` on: all keys have the same `skip`
/// first bytes.
void sort_groups(std::span<SortedGroup> groups, const Layout& layout, std::size_t skip);

/// The number of first bytes that all keys have in common.
std::size_t common_prefix(std::span<Group* const> groups, const Layout& layout);

}  // namespace csvmill
