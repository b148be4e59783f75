#include "state/entry_merge.hpp"

#include <algorithm>
#include <utility>

#include "state/key_prefix.hpp"

namespace csvmill {

EntryMerge::EntryMerge(std::vector<EntryCursor> cursors, Ties ties, Bytes from,
                       const std::string* to)
    : cursors_(std::move(cursors)),
      prefixes_(cursors_.size()),
      live_(cursors_.size()),
      tree_(std::max<std::size_t>(1, cursors_.size())),
      ties_(ties),
      to_(to != nullptr ? *to : ""),
      bounded_(to != nullptr) {
    // Keys between two bounds begin with what the bounds have in common.
    if (bounded_) skip_ = common_bytes(from, to_);
}

bool EntryMerge::next() {
    if (cursors_.empty()) return false;
    if (begun_) {
        std::size_t best = winner();
        if (!live_[best]) return false;
        advance(best);
        for (std::size_t node = (best + cursors_.size()) / 2; node > 0; node /= 2)
            if (less(tree_[node], best)) std::swap(tree_[node], best);
        tree_[0] = best;
    } else {
        begun_ = true;
        for (std::size_t i = 0; i < cursors_.size(); ++i) {
            live_[i] = true;
            advance(i);
        }
        tree_[0] = play(1);
    }
    return live_[winner()];
}

/// Plays all games below a node. Leaf `i` is node `i + n`.
std::size_t EntryMerge::play(std::size_t node) {
    if (node >= cursors_.size()) return node - cursors_.size();
    std::size_t best = play(2 * node);
    std::size_t other = play(2 * node + 1);
    if (less(other, best)) std::swap(best, other);
    tree_[node] = other;
    return best;
}

void EntryMerge::advance(std::size_t leaf) {
    EntryCursor& cursor = cursors_[leaf];
    live_[leaf] = cursor.next() && (!bounded_ || cursor.key() < Bytes(to_));
    if (live_[leaf]) prefixes_[leaf] = key_prefix(cursor.key(), skip_);
}

bool EntryMerge::less(std::size_t a, std::size_t b) const {
    if (!live_[a] || !live_[b]) return live_[a] && !live_[b];
    if (prefixes_[a] != prefixes_[b]) return prefixes_[a] < prefixes_[b];
    if (const int order = cursors_[a].key().compare(cursors_[b].key()); order != 0)
        return order < 0;
    if (ties_ == Ties::payload)
        if (const int order = cursors_[a].payload().compare(cursors_[b].payload()); order != 0)
            return order < 0;
    return a < b;
}

}  // namespace csvmill
