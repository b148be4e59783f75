#include "groups/table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include "text/error.hpp"

namespace csvmill {

namespace {

/// Rows between two steps of adding a row.
constexpr std::size_t distance = 32;

/// Fetches a group of `size` bytes into the cache.
void prefetch_group(const Group* group, std::size_t size) {
    constexpr std::size_t line = 64;
    const auto* bytes = reinterpret_cast<const char*>(group);
    for (std::size_t at = 0; at + 1 < size; at += line) __builtin_prefetch(bytes + at, 1);
    __builtin_prefetch(bytes + size - 1, 1);
}

}  // namespace

struct GroupTable::Part {
    Part(std::size_t index, Budget& budget) : number(index), account(budget) {}

    /// Whether there is no room for one more group.
    bool full() const { return size >= slots.limit(); }

    /// Makes room for `groups` groups in all, in memory of its own.
    void reserve(std::size_t groups, Budget& budget) {
        if (groups <= slots.limit()) return;
        const std::size_t capacity = std::bit_ceil(groups * 5 / 3 + 1);
        account.take(capacity * sizeof(Slot), budget);
        Pages grown(capacity * sizeof(Slot));
        const Slots to(reinterpret_cast<Slot*>(grown.data()), capacity);
        slots.for_each([&](const Slot& slot) { to.put(slot); });
        forget_slots();
        slots = to;
        memory = std::move(grown);
    }

    void swap_groups(Part& other) {
        std::swap(slots, other.slots);
        std::swap(slots_of, other.slots_of);
        std::swap(size, other.size);
        std::swap(owning, other.owning);
        std::swap(memory, other.memory);
        std::swap(kept, other.kept);
    }

    void forget_slots() {
        if (slots_of != nullptr) slots_of->discard(slots);
        memory = Pages();
        slots = Slots();
        slots_of = nullptr;
    }

    void forget_groups() {
        forget_slots();
        size = 0;
        owning = false;
    }

    Slots slots;
    SlotMemory* slots_of = nullptr;  ///< That has the slots; null if they are in `memory`.
    std::size_t size = 0;
    std::size_t number;
    bool owning = false;  ///< Whether states may own memory that is not in `owned_`.
    Pages memory;
    Account account;
    std::vector<std::unique_ptr<KeptValues>> kept;  ///< For each aggregate, or null.
    std::vector<std::shared_ptr<Arenas>> adopted;   ///< Of groups that come from other tables.
};

GroupTable::GroupTable(const Layout& layout, std::uint64_t seed, Budget& budget)
    : layout_(layout),
      hash_(seed),
      budget_(budget),
      arenas_(std::make_shared<Arenas>(budget)),
      account_(budget) {
    parts_.reserve(partitions);
    for (std::size_t i = 0; i < partitions; ++i) {
        parts_.emplace_back(i, budget);
        make_kept(parts_.back());
    }
}

GroupTable::~GroupTable() {
    clear();
    arenas_->settle();
}

void GroupTable::make_kept(Part& part) {
    part.kept.clear();
    if (!layout_.keeps()) return;
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        const bool keeps = layout_[i].keeps() != Aggregator::Keeps::none;
        part.kept.push_back(
            keeps ? std::make_unique<KeptValues>(layout_[i], hash_, arenas_->values, budget_)
                  : nullptr);
    }
}

void GroupTable::add(const Batch& batch) {
    const std::size_t size = batch.selected.size;
    const std::uint16_t* rows = batch.selected.begin();
    const Bytes* keys = batch.keys.data();
    std::array<std::uint64_t, batch_rows> hash_array;
    std::array<Group*, batch_rows> group_array;
    std::array<std::byte*, batch_rows> state_array;
    std::uint64_t* hashes = hash_array.data();
    Group** groups = group_array.data();
    std::byte** states = state_array.data();
    Part* parts = parts_.data();
    const std::size_t header_size = layout_.header_size();
    new_count_ = 0;

    // Each step of a row asks for the memory of its next step, which follows `distance` rows later.
    for (std::size_t i = 0; i < size + 2 * distance; ++i) {
        if (i < size) {
            hashes[i] = hash_(keys[rows[i]]);
            __builtin_prefetch(parts[part_of(hashes[i])].slots.home(hashes[i]));
        }
        if (const std::size_t at = i - distance; at < size) {
            groups[at] = parts[part_of(hashes[at])].slots.candidate(hashes[at]);
            if (groups[at] != nullptr) {
                prefetch_group(groups[at], header_size + keys[rows[at]].size());
            }
        }
        if (const std::size_t at = i - 2 * distance; at < size) {
            const Bytes key = keys[rows[at]];
            if (groups[at] == nullptr || !layout_.has_key(groups[at], key)) [[unlikely]] {
                Part& part = parts[part_of(hashes[at])];
                const std::size_t before = part.size;
                groups[at] = find_or_create(part, hashes[at], key);
                if (part.size != before) new_rows_[new_count_++] = rows[at];
            }
        }
    }

    const std::size_t before = budget_.used();
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        const std::size_t offset = layout_.offset(i);
        for (std::size_t row = 0; row < size; ++row) {
            states[row] = reinterpret_cast<std::byte*>(groups[row]) + offset;
        }
        layout_[i].add(batch, batch.values_of(i), states, budget_);
    }
    account_.adopt(budget_.used() - before);
    owned_ += budget_.used() - before;
    if (!layout_.keeps()) return;
    for (std::size_t i = 0; i < layout_.size(); ++i) add_kept(batch, i, groups, hashes);
}

Group* GroupTable::find_or_create(Part& part, std::uint64_t hash, Bytes key) {
    Slot* slot = part.slots.find(hash, key, layout_);
    if (slot->group != nullptr) return slot->group;
    if (part.full() && must_grow(part)) {
        grow_slots();
        slot = part.slots.find(hash, key, layout_);
    }
    Group* group = create(key, part.number, part.size);
    *slot = {hash, group};
    ++part.size;
    return group;
}

/// Whether slots must grow before a full part gets one more group. If their growth does not fit
/// into the budget, they are filled more, before the caller has to write the table to disk.
bool GroupTable::must_grow(const Part& part) {
    const std::size_t capacity = part.slots.capacity();
    if (capacity < 16 * batch_rows || budget_.fits(arenas_->slots.growth())) return true;
    if (part.size < capacity / 4 * 3) return false;
    budget_.refuse();
    // The rest of the batch must have room.
    return part.size >= capacity / 16 * 15;
}

void GroupTable::grow_slots() {
    SlotMemory& slots = arenas_->slots;
    account_.take(slots.growth());
    slots.grow();
    for (Part& part : parts_) {
        part.slots = slots.part(part.number);
        part.slots_of = &slots;
    }
}

Group* GroupTable::create(Bytes key, std::size_t part, std::size_t number) {
    if (number >= max_groups_of_part && layout_.keeps()) {
        throw AttemptFailed("out of memory: too many groups for functions that keep values");
    }
    std::byte* data = arenas_->groups.allocate(layout_.header_size() + key.size());
    Group* group = layout_.create(data);
    group->key_size = static_cast<std::uint32_t>(key.size()) & max_key_size;
    group->number = static_cast<std::uint32_t>(number & (max_groups_of_part - 1));
    group->part = static_cast<std::uint32_t>(part & (partitions - 1));
    if (!key.empty()) std::memcpy(data + layout_.header_size(), key.data(), key.size());
    return group;
}

void GroupTable::add_kept(const Batch& batch, std::size_t i, Group* const* groups,
                          const std::uint64_t* hashes) {
    if (layout_[i].keeps() == Aggregator::Keeps::none) return;
    if (layout_[i].keeps() == Aggregator::Keeps::distinct) {
        add_values(batch, i, groups, hashes, [](KeptValues& kept) { return &kept.set(); });
        return;
    }
    if (layout_[i].keeps() == Aggregator::Keeps::counted) {
        add_values(batch, i, groups, hashes, [](KeptValues& kept) { return &kept.counted(); });
        return;
    }
    const Values& values = batch.values_of(i);
    const std::size_t size = batch.selected.size;
    const std::uint16_t* rows = batch.selected.begin();
    const Decimal* numbers = values.numbers.data();
    for (std::size_t row = 0; row < size; ++row) {
        if (!values.present[rows[row]]) continue;
        parts_[groups[row]->part].kept[i]->log().add(groups[row]->number, numbers[rows[row]]);
    }
}

/// `set_of` is the set to which values are added.
template <typename SetOf>
void GroupTable::add_values(const Batch& batch, std::size_t i, Group* const* groups,
                            const std::uint64_t* hashes, const SetOf& set_of) {
    struct Item {
        std::invoke_result_t<SetOf, KeptValues&> set;
        Bytes value;
        std::uint32_t group;
        std::uint32_t tag;
    };
    const Values& values = batch.values_of(i);
    const std::uint16_t* rows = batch.selected.begin();
    thread_local std::string text;
    thread_local Cells made;
    const Bytes* const cells = layout_[i].kept_cells(batch, values, text, made);
    std::array<Item, batch_rows> items;
    std::size_t count = 0;
    for (std::size_t row = 0; row < batch.selected.size; ++row) {
        if (!values.present[rows[row]]) continue;
        Item& item = items[count++];
        item.set = set_of(*parts_[groups[row]->part].kept[i]);
        item.value = cells[rows[row]];
        item.group = groups[row]->number;
        item.tag = item.set->tag(hashes[row], item.value);
        item.set->prefetch(item.tag, item.value.size());
    }
    for (std::size_t row = 0; row < count; ++row) {
        items[row].set->prefetch_bytes(items[row].tag, items[row].value.size());
    }
    for (std::size_t row = 0; row < count; ++row) {
        const Item& item = items[row];
        item.set->add(item.tag, item.group, item.value);
    }
}

std::size_t GroupTable::size() const {
    std::size_t size = 0;
    for (const Part& part : parts_) size += part.size;
    return size;
}

std::size_t GroupTable::size(std::size_t part) const { return parts_[part].size; }

void GroupTable::merge(Group* group, Group* other, Part& part, bool owning, Budget& budget) {
    const std::size_t before = budget.used();
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        layout_[i].merge(layout_.state(group, i), layout_.state(other, i), budget);
    }
    if (budget.used() != before) {
        part.owning = true;
        if (&budget == &budget_) part.account.adopt(budget.used() - before);
    }
    if (owning) destroy_states(other);
    other->merged = 1;
}

void GroupTable::absorb(GroupTable& other, std::size_t number, Budget& budget) {
    Part& to = parts_[number];
    Part& from = other.parts_[number];
    if (from.size == 0) {
        // Its slots may be in the same memory as those of parts that are adopted.
        from.forget_slots();
        return;
    }
    to.adopted.push_back(other.arenas_);
    for (auto& arena : from.adopted) to.adopted.push_back(std::move(arena));
    from.adopted.clear();
    to.owning |= owned_ > 0;
    from.owning |= other.owned_ > 0;
    // The accounts of values must not give anything back in this thread.
    for (auto& kept : to.kept) {
        if (kept) kept->move_to(arenas_->values, budget_, to.account);
    }
    for (auto& kept : from.kept) {
        if (kept) kept->move_to(arenas_->values, budget_, from.account);
    }
    if (to.size < from.size) to.swap_groups(from);
    const bool owning = from.owning;
    to.owning |= owning;
    // Both are in the order of hashes: without growing on the way, no place is filled too much.
    to.reserve(to.size + from.size, budget);
    std::vector<std::uint32_t> numbers(layout_.keeps() ? from.size : 0);

    const std::size_t header_size = layout_.header_size() + 1;
    constexpr std::size_t ahead = 32;
    std::array<Slot, ahead> window;
    std::size_t count = 0;
    const auto flush = [&] {
        const std::span<Slot> slots(window.data(), count);
        for (const Slot& slot : slots) {
            Group* group = to.slots.candidate(slot.hash);
            if (group != nullptr) prefetch_group(group, header_size);
            if (group != nullptr || layout_.keeps()) prefetch_group(slot.group, header_size);
        }
        for (const Slot& slot : slots) {
            Group* group = to.slots.candidate(slot.hash);
            if (group != nullptr) {
                group = to.slots.find(slot.hash, layout_.key(slot.group), layout_)->group;
            }
            const std::uint32_t old_number = layout_.keeps() ? slot.group->number : 0;
            if (group == nullptr) {
                group = slot.group;
                if (layout_.keeps()) {
                    if (to.size >= max_groups_of_part) {
                        throw AttemptFailed(
                            "out of memory: too many groups for functions that keep values");
                    }
                    group->number = static_cast<std::uint32_t>(to.size & (max_groups_of_part - 1));
                }
                to.slots.put(slot);
                ++to.size;
            } else {
                merge(group, slot.group, to, owning, budget);
            }
            if (layout_.keeps()) numbers[old_number] = group->number;
        }
        count = 0;
    };
    from.slots.for_each([&](const Slot& slot) {
        window[count++] = slot;
        if (count == ahead) flush();
        __builtin_prefetch(to.slots.home(slot.hash));
    });
    flush();
    from.forget_groups();
    for (std::size_t i = 0; i < to.kept.size(); ++i) {
        if (!to.kept[i]) continue;
        to.kept[i]->absorb(*from.kept[i], numbers, budget);
        from.kept[i]->move_to(other.arenas_->values, other.budget_, from.account);
    }
}

std::vector<std::span<std::byte>> GroupTable::pieces() const {
    if (size() == 0) return {};
    std::vector<std::span<std::byte>> pieces = arenas_->groups.pieces();
    std::set<const Arenas*> known;
    for (const Part& part : parts_) {
        for (const auto& arenas : part.adopted) {
            if (!known.insert(arenas.get()).second) continue;
            const auto adopted = arenas->groups.pieces();
            pieces.insert(pieces.end(), adopted.begin(), adopted.end());
        }
    }
    return pieces;
}

void GroupTable::sample(std::size_t count, std::vector<Bytes>& to) const {
    const std::size_t groups = size();
    // Groups are in slots by their hashes: every n-th slot gives about every n-th group.
    const std::size_t step = std::max<std::size_t>(1, groups / std::max<std::size_t>(1, count));
    for (const Part& part : parts_) {
        for (std::size_t i = 0; i < part.slots.capacity(); i += step) {
            const Group* group = part.slots.data()[i].group;
            if (group != nullptr) to.push_back(layout_.key(group));
        }
    }
}

void GroupTable::prepare_results(std::size_t part) {
    for (const auto& kept : parts_[part].kept) {
        if (kept) kept->prepare_results(parts_[part].size);
    }
}

void GroupTable::arrange_kept(std::size_t part) {
    for (const auto& kept : parts_[part].kept) {
        if (kept) kept->arrange(parts_[part].size);
    }
}

void GroupTable::forget_slots() {
    has_slots_ = false;
    for (Part& part : parts_) {
        part.forget_slots();
        for (const auto& arenas : part.adopted) arenas->slots.clear();
    }
    arenas_->slots.clear();
}

bool GroupTable::owning() const {
    return layout_.owns() &&
           (owned_ > 0 || std::any_of(parts_.begin(), parts_.end(),
                                      [](const Part& part) { return part.owning; }));
}

void GroupTable::expect_owned() { parts_.front().owning = true; }

KeptValues* GroupTable::kept(std::size_t i, std::size_t part) {
    return parts_[part].kept.empty() ? nullptr : parts_[part].kept[i].get();
}

void GroupTable::destroy_states(Group* group) const {
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        if (layout_[i].owns()) layout_[i].destroy(layout_.state(group, i));
    }
}

/// Destroys the states of all groups that may own memory.
void GroupTable::destroy_all_states() const {
    if (!owning()) return;
    if (has_slots_) {
        for (const Part& part : parts_) {
            part.slots.for_each([&](const Slot& slot) { destroy_states(slot.group); });
        }
    } else {
        for (const auto piece : pieces()) {
            for_each_group(piece, layout_, [&](Group* group) { destroy_states(group); });
        }
    }
}

void GroupTable::clear() {
    destroy_all_states();
    has_slots_ = true;
    for (Part& part : parts_) {
        part.forget_groups();
        part.account.settle();
        part.adopted.clear();
    }
    account_.settle();
    owned_ = 0;
    arenas_->settle();
    arenas_ = std::make_shared<Arenas>(budget_);
    for (Part& part : parts_) make_kept(part);
    budget_.accept();
}

std::uint64_t hash_of(Bytes key, std::uint64_t seed) { return KeyHash(seed)(key); }

}  // namespace csvmill
