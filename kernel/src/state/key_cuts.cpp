#include "state/key_cuts.hpp"

#include <algorithm>

#include "state/key_prefix.hpp"

namespace csvmill {

namespace {

/// The number of elements less than `value`. No branch depends on it: it would be mispredicted.
std::size_t count_less(const std::vector<std::uint64_t>& sorted, std::uint64_t value) {
    std::size_t begin = 0;
    const std::uint64_t* const values = sorted.data();
    for (std::size_t size = sorted.size(); size > 0;) {
        const std::size_t half = (size + 1) / 2;
        begin += values[begin + half - 1] < value ? half : 0;
        size -= half;
    }
    return begin;
}

Bytes rest(Bytes key, std::size_t skip) { return key.substr(std::min(skip, key.size())); }

}  // namespace

KeyCuts::KeyCuts(std::vector<Bytes> sample, std::size_t ranges) {
    std::sort(sample.begin(), sample.end());
    for (std::size_t i = 1; i < ranges && !sample.empty(); ++i) {
        const Bytes cut = sample[i * sample.size() / ranges];
        if (keys_.empty() ? cut.empty() : cut <= keys_.back()) continue;
        keys_.emplace_back(cut);
    }
    if (!keys_.empty()) add_node(0, keys_.size(), 0);
}

std::size_t KeyCuts::add_node(std::size_t begin, std::size_t end, std::size_t known) {
    const std::size_t number = nodes_.size();
    nodes_.emplace_back();
    Node node;
    node.begin = begin;
    node.end = end;
    node.known = known;
    node.skip = common_bytes(keys_[begin], keys_[end - 1]);
    for (std::size_t i = begin; i < end; ++i) {
        const std::uint64_t prefix = key_prefix(keys_[i], node.skip);
        if (i > begin && prefix == node.prefixes.back()) continue;
        node.prefixes.push_back(prefix);
        node.first.push_back(i);
    }
    node.first.push_back(end);
    node.next.resize(node.prefixes.size());
    for (std::size_t i = 0; i < node.prefixes.size(); ++i) {
        const std::size_t from = node.first[i];
        const std::size_t to = node.first[i + 1];
        // Few cuts need no node, nor do those that end within the prefix.
        const bool many = to - from > 2 && common_bytes(keys_[from], keys_[to - 1]) > node.skip + 7;
        if (many) node.next[i] = add_node(from, to, node.skip);
    }
    nodes_[number] = std::move(node);
    return number;
}

std::size_t KeyCuts::range_of(Bytes key) const {
    if (nodes_.empty()) return 0;
    for (const Node* node = nodes_.data();;) {
        if (node->skip > node->known) {
            const Bytes cut = Bytes(keys_[node->begin]).substr(0, node->skip);
            const int order =
                key.substr(0, node->skip).substr(node->known).compare(cut.substr(node->known));
            if (order != 0) return order < 0 ? node->begin : node->end;
        }
        const std::uint64_t prefix = key_prefix(key, node->skip);
        const std::size_t at = count_less(node->prefixes, prefix);
        if (at == node->prefixes.size() || node->prefixes[at] != prefix) return node->first[at];
        if (node->next[at] == 0) {
            const auto begin = keys_.begin();
            return static_cast<std::size_t>(
                std::upper_bound(
                    begin + static_cast<std::ptrdiff_t>(node->first[at]),
                    begin + static_cast<std::ptrdiff_t>(node->first[at + 1]), key,
                    [&](Bytes a, Bytes b) { return rest(a, node->skip) < rest(b, node->skip); }) -
                begin);
        }
        node = &nodes_[node->next[at]];
    }
}

std::size_t KeyCuts::shared(std::size_t range) const {
    const std::string* const least = from(range);
    const std::string* const end = to(range);
    return least != nullptr && end != nullptr ? common_bytes(*least, *end) : 0;
}

const std::string* KeyCuts::from(std::size_t range) const {
    return range == 0 ? nullptr : &keys_[range - 1];
}

const std::string* KeyCuts::to(std::size_t range) const {
    return range == keys_.size() ? nullptr : &keys_[range];
}

}  // namespace csvmill
