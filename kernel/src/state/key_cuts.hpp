/// Dividing groups into ranges of their keys.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "groups/table.hpp"

namespace csvmill {

/// What is known of the keys of some groups: what they have in common, and a sample.
class KeySummary {
public:
    /// Adds groups, every `step`-th to the sample. Their keys must live as long as this.
    void add(std::span<Group* const> groups, const Layout& layout, std::size_t step);
    void add(const KeySummary& other);

    std::size_t skip() const { return skip_; }  ///< The number of first bytes that all keys share.
    const std::vector<Bytes>& sample() const { return sample_; }

private:
    void share(Bytes key, std::size_t skip);

    bool empty_ = true;
    Bytes first_;
    std::size_t skip_ = 0;
    std::vector<Bytes> sample_;
};

/// Keys that divide others into ranges of about equal size. Range `i` has the keys from cut `i - 1`
/// on and below cut `i`.
class KeyCuts {
public:
    /// At most `ranges - 1` of `sample`. All keys have the same `skip` first bytes.
    KeyCuts(std::vector<Bytes> sample, std::size_t ranges, std::size_t skip);

    std::size_t ranges() const { return keys_.size() + 1; }
    std::size_t range_of(Bytes key, std::uint64_t prefix) const;
    const std::string* from(std::size_t range) const;  ///< Null for the first range.
    const std::string* to(std::size_t range) const;    ///< Null for the last range.

private:
    std::vector<std::string> keys_;
    std::vector<std::uint64_t> prefixes_;
};

/// Loads a group's key before it is needed.
inline void prefetch_key(const Group* group, const Layout& layout) {
    __builtin_prefetch(reinterpret_cast<const char*>(group) + layout.header_size());
}

}  // namespace csvmill
