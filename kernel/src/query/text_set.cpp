#include "query/text_set.hpp"

#include <bit>

namespace csvmill {

TextSet::TextSet(const std::vector<std::string>& texts)
    : slots_(std::bit_ceil(2 * texts.size() + 2)), last_(slots_.size() - 1) {
    for (const std::string& text : texts) {
        if (contains(text)) continue;
        std::size_t at = hash_(text) & last_;
        while (slots_[at].used) at = (at + 1) & last_;
        slots_[at] = {text, true};
    }
}

}  // namespace csvmill
