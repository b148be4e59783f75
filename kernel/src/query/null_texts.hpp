/// Texts that stand for an empty cell.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "query/text_set.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// The texts that a spec declares as `input.null`.
class NullTexts {
public:
    NullTexts() = default;
    explicit NullTexts(std::vector<std::string> texts) : list_(std::move(texts)), set_(list_) {
        for (const std::string& text : list_) {
            if (text.empty()) continue;
            first_bytes_[static_cast<unsigned char>(text.front())] = true;
            longest_ = std::max(longest_, text.size());
        }
    }

    bool empty() const { return list_.empty(); }
    const std::vector<std::string>& list() const { return list_; }

    bool contains(Bytes cell) const {
        return !cell.empty() && cell.size() <= longest_ &&
               first_bytes_[static_cast<unsigned char>(cell.front())] && set_.contains(cell);
    }

private:
    std::vector<std::string> list_;
    TextSet set_;
    // Most cells are decided by these two.
    std::array<bool, 256> first_bytes_ = {};
    std::size_t longest_ = 0;
};

}  // namespace csvmill
