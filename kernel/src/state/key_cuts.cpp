#include "state/key_cuts.hpp"

#include <algorithm>

#include "state/key_prefix.hpp"

namespace csvmill {

void KeySummary::add(std::span<Group* const> groups, const Layout& layout, std::size_t step) {
    if (groups.empty()) return;
    share(layout.key(groups.front()), common_prefix(groups, layout));
    for (std::size_t i = 0; i < groups.size(); i += step) sample_.push_back(layout.key(groups[i]));
}

void KeySummary::add(const KeySummary& other) {
    if (other.empty_) return;
    share(other.first_, other.skip_);
    sample_.insert(sample_.end(), other.sample_.begin(), other.sample_.end());
}

void KeySummary::share(Bytes key, std::size_t skip) {
    if (empty_) {
        empty_ = false;
        first_ = key;
        skip_ = skip;
    } else {
        skip_ = std::min({skip_, skip, common_bytes(first_, key)});
    }
}

KeyCuts::KeyCuts(std::vector<Bytes> sample, std::size_t ranges, std::size_t skip) {
    std::sort(sample.begin(), sample.end());
    for (std::size_t i = 1; i < ranges && !sample.empty(); ++i) {
        const Bytes cut = sample[i * sample.size() / ranges];
        if (keys_.empty() ? cut.empty() : cut <= keys_.back()) continue;
        keys_.emplace_back(cut);
        prefixes_.push_back(key_prefix(cut, skip));
    }
}

std::size_t KeyCuts::range_of(Bytes key, std::uint64_t prefix) const {
    // All cuts below `begin` are less than the key. No branch depends on keys: it would be
    // mispredicted.
    std::size_t begin = 0;
    for (std::size_t size = prefixes_.size(); size > 0;) {
        const std::size_t half = (size + 1) / 2;
        begin += prefixes_[begin + half - 1] < prefix ? half : 0;
        size -= half;
    }
    if (begin == keys_.size() || prefixes_[begin] != prefix) return begin;
    const auto equal = std::equal_range(prefixes_.begin(), prefixes_.end(), prefix);
    const auto first = keys_.begin() + (equal.first - prefixes_.begin());
    const auto last = keys_.begin() + (equal.second - prefixes_.begin());
    return static_cast<std::size_t>(std::upper_bound(first, last, key) - keys_.begin());
}

const std::string* KeyCuts::from(std::size_t range) const {
    return range == 0 ? nullptr : &keys_[range - 1];
}

const std::string* KeyCuts::to(std::size_t range) const {
    return range == keys_.size() ? nullptr : &keys_[range];
}

}  // namespace csvmill
