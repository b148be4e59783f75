/// Where groups are found by the hashes of their keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "groups/aggregator.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// A table of groups is in `partitions` parts by the highest bits of the hash.
inline constexpr unsigned part_bits = 6;
inline constexpr std::size_t partitions = std::size_t{1} << part_bits;

inline std::size_t part_of(std::uint64_t hash) { return hash >> (64 - part_bits); }

struct Slot {
    std::uint64_t hash;
    Group* group;  ///< Null if it is free.
};

/// The slots of a part, in memory that others own. They are in the order of hashes, so that they
/// are read and written from start to end when they grow or are merged.
class Slots {
public:
    Slots() = default;
    /// `capacity` slots, a power of two, which must be free, or have been used as such.
    Slots(Slot* slots, std::size_t capacity);

    /// Where a group is, if it is not displaced.
    Slot* home(std::uint64_t hash) const { return slots_ + place(hash); }

    /// The first slot from `hash` on that is free, or has the hash and the key.
    Slot* find(std::uint64_t hash, Bytes key, const Layout& layout) const {
        for (std::size_t i = place(hash);; i = (i + 1) & mask_) {
            Slot& slot = slots_[i];
            if (slot.group == nullptr) return &slot;
            if (slot.hash == hash && layout.has_key(slot.group, key)) return &slot;
        }
    }

    /// A group with the hash, whose key may be another one; null if there is none.
    Group* candidate(std::uint64_t hash) const {
        for (std::size_t i = place(hash);; i = (i + 1) & mask_) {
            const Slot& slot = slots_[i];
            if (slot.group == nullptr || slot.hash == hash) return slot.group;
        }
    }

    /// Puts a group into the first free slot from its hash on.
    void put(Slot slot) const {
        std::size_t i = place(slot.hash);
        while (slots_[i].group != nullptr) i = (i + 1) & mask_;
        slots_[i] = slot;
    }

    std::size_t capacity() const { return limit_ > 0 ? mask_ + 1 : 0; }
    /// How many groups may be in them, so that they are found fast.
    std::size_t limit() const { return limit_; }
    Slot* data() const { return slots_; }

    template <typename Take>
    void for_each(Take&& take) const {
        for (std::size_t i = 0; i < capacity(); ++i) {
            if (slots_[i].group != nullptr) take(slots_[i]);
        }
    }

private:
    std::size_t place(std::uint64_t hash) const { return hash << part_bits >> 1 >> shift_; }

    /// What an empty part has, so that it needs no special case. Nothing is written to it.
    static inline Slot free_slot{};

    Slot* slots_ = &free_slot;
    std::size_t mask_ = 0;
    unsigned shift_ = 63;  ///< Of the hash, after its bits of the part and one more.
    std::size_t limit_ = 0;
};

/// The memory of the slots of all parts of a table. All parts have the same capacity, since hashes
/// fill them evenly: so they are one piece of memory, on huge pages as soon as it is large, that
/// grows in place.
class SlotMemory {
public:
    /// The bytes that the next growth adds.
    std::size_t growth() const { return (next_capacity() - capacity_) * partitions * sizeof(Slot); }
    /// Grows. The slots of all parts are at other places then.
    void grow();

    Slots part(std::size_t number) const;
    /// Gives the pages of the slots of a part back to the system, if they are here: they are used
    /// no more. Used by any thread.
    void discard(const Slots& slots);
    void clear() { *this = SlotMemory(); }

private:
    Slot* slots() const { return reinterpret_cast<Slot*>(pages_.data()); }
    std::size_t next_capacity() const;

    Pages pages_{0, true};
    std::size_t capacity_ = 0;  ///< Of a part.
};

}  // namespace csvmill
