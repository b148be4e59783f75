/// The groups of one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "groups/aggregator.hpp"
#include "groups/hash.hpp"
#include "groups/kept_values.hpp"
#include "groups/memory.hpp"
#include "groups/slots.hpp"

namespace csvmill {

/// A sorted group: the first bytes of its key, for fast comparisons, and the group.
struct SortedGroup {
    std::uint64_t prefix =
        0;  ///< 8 bytes of the key, big-endian, from `skip` on; zeros after its end.
    Group* group = nullptr;
};

/// A hash table of groups in `partitions` parts by the highest bits of the hash, so that tables of
/// several threads are merged part by part, and growth is small. The hash is seeded: keys are
/// hostile. Keys of all tables of an attempt need the same seed.
class GroupTable {
public:
    GroupTable(const Layout& layout, std::uint64_t seed, Budget& budget);
    ~GroupTable();
    GroupTable(const GroupTable&) = delete;
    GroupTable& operator=(const GroupTable&) = delete;

    /// Adds the selected rows of `batch`: finds or creates the group of each, and updates its
    /// states and kept values. Hashes, prefetches and probes batch by batch.
    void add(const Batch& batch);

    std::size_t size() const;
    std::size_t size(std::size_t part) const;

    /// The rows of the last batch that was added whose groups were not in the table before.
    std::span<const std::uint16_t> new_rows() const { return {new_rows_.data(), new_count_}; }

    /// Moves all groups and values of part `part` of `other` into this table. Tables of the same
    /// layout and seed; parts are independent: threads may absorb different parts at once if each
    /// passes its own `budget`, from which new memory is taken. The groups themselves do not move:
    /// the budget of `other` counts them until `other` is cleared, though this table frees them.
    void absorb(GroupTable& other, std::size_t part, Budget& budget);

    /// The pieces of memory that have its groups: see `for_each_group`. If it has absorbed any part
    /// of a table, it must have absorbed all parts. Valid until `clear`.
    std::vector<std::span<std::byte>> pieces() const;

    /// Appends keys of about `count` groups, as far as there are so many, chosen at random.
    void sample(std::size_t count, std::vector<Bytes>& to) const;

    /// The kept values of aggregate `i` in a part; null if it keeps none.
    KeptValues* kept(std::size_t i, std::size_t part);

    /// Makes the kept values of a part ready for results, or for being read: no more may be added.
    void prepare_results(std::size_t part);
    void arrange_kept(std::size_t part);

    /// Frees the memory by which groups are found. `add` and `absorb` need `clear` before.
    void forget_slots();

    /// Whether states may own memory. `expect_owned` makes it so: groups were merged outside.
    bool owning() const;
    void expect_owned();

    /// Destroys all groups and frees their memory.
    void clear();

    const Layout& layout() const { return layout_; }
    Budget& budget() const { return budget_; }

private:
    struct Part;

    Group* find_or_create(Part& part, std::uint64_t hash, Bytes key);
    Group* create(Bytes key, std::size_t part, std::size_t number);
    bool must_grow(const Part& part);
    void grow_slots();
    void add_kept(const Batch& batch, std::size_t i, Group* const* groups,
                  const std::uint64_t* hashes);
    template <typename SetOf>
    void add_values(const Batch& batch, std::size_t i, Group* const* groups,
                    const std::uint64_t* hashes, const SetOf& set_of);
    void merge(Group* group, Group* other, Part& part, bool owning, Budget& budget);
    void make_kept(Part& part);
    void destroy_states(Group* group) const;
    void destroy_all_states() const;

    /// Memory of groups, of their kept values, and of slots.
    struct Arenas {
        explicit Arenas(Budget& budget) : groups(budget), values(budget) {}
        void settle() {
            groups.settle();
            values.settle();
        }
        Arena groups;
        Arena values;
        SlotMemory slots;
    };

    const Layout& layout_;
    const KeyHash hash_;
    Budget& budget_;
    std::shared_ptr<Arenas> arenas_;  ///< Tables that have absorbed groups keep them too.
    Account account_;                 ///< Of the memory that states own.
    std::vector<Part> parts_;
    std::array<std::uint16_t, batch_rows> new_rows_;
    std::size_t new_count_ = 0;
    bool has_slots_ = true;
    std::size_t owned_ = 0;  ///< Bytes that states own.
};

/// The hash of a key: fast, of good quality, different for each seed.
std::uint64_t hash_of(Bytes key, std::uint64_t seed);

/// Sorts by key, bytewise. `groups` hold prefixes from `skip` on: all keys have the same `skip`
/// first bytes.
void sort_groups(std::span<SortedGroup> groups, const Layout& layout, std::size_t skip);

/// Sets the prefixes from `skip` on.
void load_prefixes(std::span<SortedGroup> groups, const Layout& layout, std::size_t skip);

}  // namespace csvmill
