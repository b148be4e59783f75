/// The texts of `in`.
#pragma once

#include <string>
#include <vector>

#include "groups/hash.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// A set of texts that does not change.
class TextSet {
public:
    TextSet() : TextSet(std::vector<std::string>()) {}
    explicit TextSet(const std::vector<std::string>& texts);

    bool contains(Bytes text) const {
        for (std::size_t at = hash_(text) & last_;; at = (at + 1) & last_) {
            const Slot& slot = slots_[at];
            if (!slot.used) return false;
            if (slot.text.size() == text.size() &&
                same_bytes(slot.text.data(), text.data(), text.size())) {
                return true;
            }
        }
    }

private:
    struct Slot {
        std::string text;
        bool used = false;
    };

    KeyHash hash_{0};          // Cells may be chosen to meet; the texts of the query are few.
    std::vector<Slot> slots_;  ///< A power of two, at most half of them used.
    std::size_t last_ = 0;
};

}  // namespace csvmill
