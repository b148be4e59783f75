/// Sets of values, and a plain model of what they must hold.
#pragma once

#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "groups/distinct_set.hpp"

namespace csvmill::test {

/// The sets of several threads. Group `n` of the model has another number in each set, as in tables
/// of groups: the order in which a set meets groups.
class DistinctModel {
public:
    DistinctModel(std::size_t sets, std::size_t budget) : hash_(7), budget_(budget) {
        for (std::size_t i = 0; i < sets; ++i) {
            sets_.push_back(std::make_unique<Numbered>(hash_, budget_));
        }
    }

    void add(std::size_t set, std::uint32_t group, Bytes value) {
        Numbered& to = *sets_[set];
        const std::string bytes(value);  // No more bytes than these may be read.
        const std::uint32_t tag = to.set.tag(hash_(std::to_string(group)), bytes);
        to.set.prefetch(tag, bytes.size());
        to.set.prefetch_bytes(tag, bytes.size());
        to.set.add(tag, to.number(group), bytes);
        values_.emplace(group, bytes);
    }

    /// Merges all sets into the first one. Returns whether it has exactly the values of the model:
    /// their counts if `counts`, else the values.
    bool holds(bool counts) {
        Numbered& all = *sets_[0];
        for (std::size_t i = 1; i < sets_.size(); ++i) {
            std::vector<std::uint32_t> numbers;
            for (const std::uint32_t group : sets_[i]->groups) numbers.push_back(all.number(group));
            all.set.absorb(sets_[i]->set, numbers, budget_);
        }
        if (counts) {
            all.set.count(all.groups.size());
        } else {
            all.set.arrange(all.groups.size());
        }
        std::size_t count = 0;
        for (std::uint32_t number = 0; number < all.groups.size(); ++number) {
            const auto expected = of(all.groups[number]);
            count += expected.size();
            if (all.set.count_of(number) != expected.size()) return false;
            std::vector<std::string> found;
            if (!counts)
                all.set.each_sorted(number, [&](Bytes value) { found.emplace_back(value); });
            if (!counts && found != expected) return false;
        }
        return count == values_.size();
    }

    std::size_t used() const { return budget_.used(); }

private:
    struct Numbered {
        Numbered(const KeyHash& hash, Budget& budget) : arena(budget), set(hash, arena, budget) {}
        std::uint32_t number(std::uint32_t group) {
            for (std::uint32_t i = 0; i < groups.size(); ++i) {
                if (groups[i] == group) return i;
            }
            groups.push_back(group);
            return static_cast<std::uint32_t>(groups.size() - 1);
        }
        Arena arena;
        DistinctSet set;
        std::vector<std::uint32_t> groups;  ///< Of the model, by number.
    };

    std::vector<std::string> of(std::uint32_t group) const {
        std::vector<std::string> values;
        for (auto at = values_.lower_bound({group, ""}); at != values_.end(); ++at) {
            if (at->first != group) break;
            values.push_back(at->second);
        }
        return values;
    }

    KeyHash hash_;
    Budget budget_;
    std::vector<std::unique_ptr<Numbered>> sets_;
    std::set<std::pair<std::uint32_t, std::string>> values_;
};

}  // namespace csvmill::test
