/// Sorting of groups by their keys.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "groups/table.hpp"

namespace csvmill {

namespace {

/// Up to so many groups are sorted by comparisons.
constexpr std::size_t few = 32;
/// Bits of a prefix by which many groups are divided at once.
constexpr unsigned radix_bits = 11;
/// Groups between that which is fetched into the cache and that which is read.
constexpr std::size_t ahead = 16;

/// The 8 bytes of `key` from `skip` on, big-endian, with zeros after its end.
std::uint64_t prefix_of(Bytes key, std::size_t skip) {
    std::uint64_t prefix = 0;
    if (key.size() >= skip + 8) {
        std::memcpy(&prefix, key.data() + skip, 8);
    } else if (key.size() > skip) {
        std::memcpy(&prefix, key.data() + skip, key.size() - skip);
    }
    if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
    return prefix;
}

void sort_few(std::span<SortedGroup> groups) {
    for (std::size_t i = 1; i < groups.size(); ++i) {
        const SortedGroup group = groups[i];
        std::size_t at = i;
        for (; at > 0 && groups[at - 1].prefix > group.prefix; --at) groups[at] = groups[at - 1];
        groups[at] = group;
    }
}

/// Sorts by prefix: divides the groups by the first bits that differ, in place. Each step takes at
/// least one bit, and 11 of those that differ, so the depth is small.
void sort_by_prefix(std::span<SortedGroup> groups) {
    if (groups.size() <= few) {
        sort_few(groups);
        return;
    }
    std::uint64_t differing = 0;
    for (const SortedGroup& group : groups) differing |= group.prefix ^ groups[0].prefix;
    if (differing == 0) return;
    const auto width = static_cast<unsigned>(std::bit_width(differing));
    const unsigned bits = groups.size() < 4096 ? 6 : radix_bits;
    const unsigned shift = width > bits ? width - bits : 0;
    const std::size_t buckets = std::size_t{1} << std::min(bits, width);
    const auto bucket = [&](const SortedGroup& group) {
        return static_cast<std::size_t>(group.prefix >> shift) & (buckets - 1);
    };
    std::array<std::size_t, (std::size_t{1} << radix_bits) + 1> start_array;
    std::array<std::size_t, std::size_t{1} << radix_bits> next_array;
    std::size_t* starts = start_array.data();
    std::size_t* next = next_array.data();
    std::fill_n(starts, buckets + 1, 0);
    for (const SortedGroup& group : groups) ++starts[bucket(group) + 1];
    for (std::size_t i = 0; i < buckets; ++i) {
        starts[i + 1] += starts[i];
        next[i] = starts[i];
    }
    SortedGroup* items = groups.data();
    for (std::size_t i = 0; i < buckets; ++i) {
        while (next[i] < starts[i + 1]) {
            SortedGroup group = items[next[i]];
            for (std::size_t to = bucket(group); to != i; to = bucket(group)) {
                std::swap(group, items[next[to]++]);
            }
            items[next[i]++] = group;
        }
    }
    if (shift == 0) return;
    for (std::size_t i = 0; i < buckets; ++i) {
        const std::size_t size = starts[i + 1] - starts[i];
        if (size > 1) sort_by_prefix(groups.subspan(starts[i], size));
    }
}

/// Sorts the groups of runs with equal prefixes by the rest of their keys.
class Refiner {
public:
    explicit Refiner(const Layout& layout) : layout_(layout) {}

    /// Sorts `run`, whose keys have the same prefix from `skip` on, which remains in them.
    void refine(std::span<SortedGroup> run, std::size_t skip) {
        if (run.size() <= few) {
            refine_few(run, skip);
            return;
        }
        const std::uint64_t prefix = run[0].prefix;
        later_.push_back({run, skip});
        while (!later_.empty()) {
            const Run next = later_.back();
            later_.pop_back();
            refine_many(next.groups, next.skip);
        }
        for (SortedGroup& group : run) group.prefix = prefix;
    }

private:
    struct Run {
        std::span<SortedGroup> groups;
        std::size_t skip;
    };

    void refine_few(std::span<SortedGroup> run, std::size_t skip) {
        const std::uint64_t prefix = run[0].prefix;
        for (SortedGroup& group : run) group.prefix = prefix_of(layout_.key(group.group), skip + 8);
        std::sort(run.begin(), run.end(), [&](const SortedGroup& a, const SortedGroup& b) {
            if (a.prefix != b.prefix) return a.prefix < b.prefix;
            return rest(a, skip) < rest(b, skip);
        });
        for (SortedGroup& group : run) group.prefix = prefix;
    }

    void refine_many(std::span<SortedGroup> run, std::size_t skip) {
        // A key that ends here is the start of all longer ones.
        const auto longer = std::partition(run.begin(), run.end(), [&](const SortedGroup& group) {
            return group.group->key_size <= skip + 8;
        });
        std::sort(run.begin(), longer, [](const SortedGroup& a, const SortedGroup& b) {
            return a.group->key_size < b.group->key_size;
        });
        run = {longer, run.end()};
        if (run.size() < 2) return;
        skip = common(run, skip + 8);
        load_prefixes(run, layout_, skip);
        sort_by_prefix(run);
        for (std::size_t begin = 0, end = 0; begin < run.size(); begin = end) {
            end = end_of_run(run, begin);
            if (end - begin == 1) continue;
            const std::span<SortedGroup> part = run.subspan(begin, end - begin);
            if (part.size() <= few) {
                refine_few(part, skip);
            } else {
                later_.push_back({part, skip});
            }
        }
    }

    /// How many first bytes all keys have in common, if they have `least`.
    std::size_t common(std::span<const SortedGroup> run, std::size_t least) const {
        const Bytes first = layout_.key(run[0].group);
        std::size_t size = first.size();
        for (std::size_t i = 1; i < run.size() && size > least; ++i) {
            const Bytes key = layout_.key(run[i].group);
            const std::size_t shortest = std::min(size, key.size());
            std::size_t same = least;
            while (same < shortest && first[same] == key[same]) ++same;
            size = same;
        }
        return size;
    }

    Bytes rest(const SortedGroup& group, std::size_t skip) const {
        const Bytes key = layout_.key(group.group);
        return key.substr(std::min(skip, key.size()));
    }

public:
    static std::size_t end_of_run(std::span<const SortedGroup> groups, std::size_t begin) {
        std::size_t end = begin + 1;
        while (end < groups.size() && groups[end].prefix == groups[begin].prefix) ++end;
        return end;
    }

private:
    const Layout& layout_;
    std::vector<Run> later_;
};

}  // namespace

void load_prefixes(std::span<SortedGroup> groups, const Layout& layout, std::size_t skip) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i + ahead < groups.size()) {
            const char* next = reinterpret_cast<const char*>(groups[i + ahead].group);
            __builtin_prefetch(next);
            __builtin_prefetch(next + layout.header_size() + skip);
        }
        groups[i].prefix = prefix_of(layout.key(groups[i].group), skip);
    }
}

void sort_groups(std::span<SortedGroup> groups, const Layout& layout, std::size_t skip) {
    sort_by_prefix(groups);
    Refiner refiner(layout);
    const SortedGroup* items = groups.data();
    std::size_t fetched = 0;
    for (std::size_t begin = 0, end = 0; begin < groups.size(); begin = end) {
        // Only keys of groups with equal prefixes will be read.
        for (; fetched + 1 < groups.size() && fetched < begin + 2 * ahead; ++fetched) {
            if (items[fetched].prefix != items[fetched + 1].prefix) continue;
            for (std::size_t i = fetched; i < fetched + 2; ++i) {
                const char* next = reinterpret_cast<const char*>(items[i].group);
                __builtin_prefetch(next);
                __builtin_prefetch(next + layout.header_size() + skip + 8);
            }
        }
        end = Refiner::end_of_run(groups, begin);
        if (end - begin > 1) refiner.refine(groups.subspan(begin, end - begin), skip);
    }
}

}  // namespace csvmill
