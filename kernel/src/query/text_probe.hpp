/// A fast test that rules out most cells that neither equal nor look like a text.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "query/batch.hpp"

namespace csvmill {

/// Compares up to 16 bytes at the start of cells with what texts that are asked for have in common
/// there, in any case.
class TextProbe {
public:
    TextProbe() = default;
    explicit TextProbe(const std::vector<std::string>& texts);

    /// False if `cell`, which is followed by `cell_padding`, certainly neither equals one of the
    /// texts nor has its likeness.
    bool may_match(Bytes cell) const {
        static_assert(cell_padding >= 2 * sizeof(std::uint64_t));
        std::array<std::uint64_t, 2> words{};
        std::memcpy(words.data(), cell.data(), sizeof words);
        const std::uint64_t different =
            ((words[0] ^ common_[0]) & mask_[0]) | ((words[1] ^ common_[1]) & mask_[1]);
        const std::uint64_t beyond = (words[0] & beyond_[0]) | (words[1] & beyond_[1]);
        // Blanks may be before the text, and characters beyond ASCII be anything.
        return different == 0 || beyond != 0 || (words[0] & 0xFFU) <= ' ';
    }

private:
    std::array<std::uint64_t, 2> common_{};
    std::array<std::uint64_t, 2> mask_{};    ///< The bits of `common_` that count.
    std::array<std::uint64_t, 2> beyond_{};  ///< The highest bits of the bytes that are compared.
};

}  // namespace csvmill
