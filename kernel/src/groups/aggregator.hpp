/// The states of aggregates: add rows, merge, write, read, finish.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "groups/hash.hpp"
#include "groups/memory.hpp"
#include "query/batch.hpp"

namespace csvmill {

class KeptValues;

/// A group in a table: this header, then the states of its aggregates, then its key.
struct Group {
    std::uint32_t key_size : 31 = 0;
    std::uint32_t merged : 1 = 0;   ///< Into another group: it counts no more.
    std::uint32_t number : 26 = 0;  ///< In its part of the table, if an aggregate keeps values.
    std::uint32_t part : 6 = 0;     ///< Of the table.
};

inline constexpr std::size_t max_groups_of_part = std::size_t{1} << 26;
inline constexpr std::uint32_t max_key_size = (std::uint32_t{1} << 31) - 1;

/// Gives the kept values of a group, sorted, one after another, as bytes.
/// Returns false at the end of the group.
using NextValue = std::function<bool(Bytes& value)>;

/// Computes one aggregate for many groups. Its states are plain memory of `state_size` bytes that
/// may own memory: `destroy` frees that.
class Aggregator {
public:
    virtual ~Aggregator() = default;

    /// Bytes of a state; a multiple of 8.
    virtual std::size_t state_size() const = 0;
    /// Makes a state without values. It owns nothing, and may be made by copying its bytes.
    virtual void create(std::byte* state) const = 0;
    virtual void destroy(std::byte* state) const = 0;
    /// Whether states may own memory, so that `destroy` must be called.
    virtual bool owns() const = 0;

    /// Adds the values of the selected rows to `states`, one for each selected row in order. Memory
    /// that states own is taken from `budget`.
    virtual void add(const Batch& batch, const Values& values, std::byte* const* states,
                     Budget& budget) const = 0;

    /// Adds all of `other` to `state`. The outcome does not depend on the order of merging.
    virtual void merge(std::byte* state, std::byte* other, Budget& budget) const = 0;

    /// Appends a state for a state file; `read` creates a state from it, and removes it from
    /// `from`. Throws StateError.
    virtual void write(const std::byte* state, std::string& to) const = 0;
    virtual void read(Bytes& from, std::byte* state) const = 0;

    /// Appends the result as text; nothing without a value. Aggregates that keep values read them
    /// from `next`.
    virtual void finish(const std::byte* state, const NextValue& next, std::string& to) const = 0;

    /// Appends the sum of the values as text; nothing without a value, and for an aggregate that
    /// does not have it.
    virtual void append_sum(const std::byte* /*state*/, std::string& /*to*/) const {}

    /// The same as `finish`, with the values in memory: `kept` has been arranged. Only for those
    /// that keep.
    virtual void finish_kept(const std::byte* state, const KeptValues& kept, std::uint32_t number,
                             std::string& to) const;

    /// Whether it needs all values of a group (median), each different one (count_distinct), or
    /// each different one with its count (mode).
    enum class Keeps { none, all, distinct, counted };
    virtual Keeps keeps() const { return Keeps::none; }

    /// Whether `finish_kept` reads different values one by one, and not only their number.
    virtual bool reads_distinct() const { return false; }

    /// For an aggregate that keeps different values: those of the selected rows of a batch, as
    /// bytes. Bytes of equal values are equal; those of numbers sort (memcmp) as the numbers do.
    /// What is made for that is in `text` and `made`.
    virtual const Bytes* kept_cells(const Batch& batch, const Values& values, std::string& text,
                                    Cells& made) const;
};

/// An aggregator whose states are empty: it needs the values that the table keeps, or none.
class StatelessAggregator : public Aggregator {
public:
    std::size_t state_size() const final { return 0; }
    void create(std::byte*) const final {}
    void destroy(std::byte*) const final {}
    bool owns() const final { return false; }
    void add(const Batch&, const Values&, std::byte* const*, Budget&) const final {}
    void merge(std::byte*, std::byte*, Budget&) const final {}
    void write(const std::byte*, std::string&) const final {}
    void read(Bytes&, std::byte*) const final {}
};

std::unique_ptr<Aggregator> make_aggregator(const Aggregate& aggregate);

/// Appends a number of a state, and takes it from the start of `from`. Throws StateError.
void append_count(std::string& to, std::uint64_t count);
std::uint64_t take_count(Bytes& from);

/// All aggregates of a query, and where their states are in a group.
class Layout {
public:
    explicit Layout(const Query& query);

    std::size_t size() const { return aggregators_.size(); }
    const Aggregator& operator[](std::size_t i) const { return *aggregators_[i]; }
    std::size_t offset(std::size_t i) const { return offsets_[i]; }  ///< From the group.
    std::size_t header_size() const {
        return header_size_;
    }  ///< Group and states: the key follows.
    bool owns() const { return owns_; }
    bool keeps() const { return keeps_; }  ///< Whether an aggregate keeps values.

    /// Bytes of a group in its arena.
    std::size_t group_size(const Group* group) const {
        return (header_size_ + group->key_size + 7) & ~std::size_t{7};
    }

    /// Makes a group without values at `to`. It has no key yet.
    Group* create(std::byte* to) const {
        std::memcpy(to, created_.data(), header_size_);
        return reinterpret_cast<Group*>(to);
    }

    std::byte* state(Group* group, std::size_t i) const {
        return reinterpret_cast<std::byte*>(group) + offsets_[i];
    }
    Bytes key(const Group* group) const {
        return {reinterpret_cast<const char*>(group) + header_size_, group->key_size};
    }
    bool has_key(const Group* group, Bytes key) const {
        return group->key_size == key.size() &&
               same_bytes(reinterpret_cast<const char*>(group) + header_size_, key.data(),
                          key.size());
    }

private:
    std::vector<std::unique_ptr<Aggregator>> aggregators_;
    std::vector<std::size_t> offsets_;
    std::size_t header_size_ = sizeof(Group);
    std::vector<std::uint64_t> created_;  ///< The bytes of a group without values.
    bool owns_ = false;
    bool keeps_ = false;
};

/// Calls `take` with each group in a piece of an arena of groups.
template <typename Take>
void for_each_group(std::span<std::byte> piece, const Layout& layout, Take&& take) {
    for (std::size_t at = 0; at < piece.size();) {
        auto* group = reinterpret_cast<Group*>(piece.data() + at);
        at += layout.group_size(group);
        if (!group->merged) take(group);
    }
}

}  // namespace csvmill
