/// Fast tests of cells: whether they equal a short text, and whether they may look like texts.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "query/batch.hpp"

namespace csvmill {

/// Bytes at the start of a cell, in words; those of a short cell and what follows it.
using StartWords = std::array<std::uint64_t, 2>;

/// The bits of a word at the start of `cell` that differ from that of `words`, where `mask` has
/// some.
inline std::uint64_t difference(Bytes cell, std::size_t number, const StartWords& words,
                                const StartWords& mask) {
    static_assert(cell_padding >= sizeof(StartWords));
    std::uint64_t word = 0;
    std::memcpy(&word, cell.data() + number * sizeof word, sizeof word);
    return (word ^ words[number]) & mask[number];
}

/// A text that is compared with cells, without branches that depend on them.
class ShortText {
public:
    /// The bytes of the longest one.
    static constexpr std::size_t most = sizeof(StartWords);

    /// `text` has no more than `most` bytes.
    explicit ShortText(Bytes text) : size_(text.size()) {
        std::memcpy(words_.data(), text.data(), size_);
        std::memset(mask_.data(), 0xFF, size_);
    }

    /// The number of words that are to be compared.
    std::size_t words() const { return mask_[1] == 0 ? 1 : 2; }

    /// Whether `cell`, which is followed by `cell_padding`, is the text. Compares `count` words.
    template <std::size_t count = 2>
    bool equals(Bytes cell) const {
        std::uint64_t different = difference(cell, 0, words_, mask_);
        if constexpr (count > 1) different |= difference(cell, 1, words_, mask_);
        return (different | (cell.size() ^ size_)) == 0;
    }

private:
    StartWords words_{};
    StartWords mask_{};  ///< The bits of `words_` that count.
    std::size_t size_;
};

/// Compares up to 16 bytes at the start of cells with what texts that are asked for have in common
/// there, in any case; and their first and last bytes.
class TextProbe {
public:
    TextProbe() = default;
    explicit TextProbe(const std::vector<std::string>& texts);

    /// The number of words that are to be compared.
    std::size_t words() const { return (mask_[1] | beyond_[1]) == 0 ? 1 : 2; }

    /// False if `cell`, which is followed by `cell_padding`, certainly neither equals one of the
    /// texts nor has its likeness. Compares `count` words.
    template <std::size_t count = 2>
    bool may_match(Bytes cell) const {
        std::uint64_t different = difference(cell, 0, common_, mask_);
        std::uint64_t beyond = difference(cell, 0, {}, beyond_);
        if constexpr (count > 1) {
            different |= difference(cell, 1, common_, mask_);
            beyond |= difference(cell, 1, {}, beyond_);
        }
        const auto is_empty = static_cast<unsigned>(cell.empty());
        const std::uint8_t first_byte = byte_at(cell, 0);
        const unsigned first = ends_[first_byte];
        const unsigned last = ends_[byte_at(cell, cell.size() - 1 + is_empty)];
        // Blanks may be before the text, and characters beyond ASCII be anything.
        const auto begins = static_cast<unsigned>(different == 0) |
                            static_cast<unsigned>(beyond != 0) |
                            static_cast<unsigned>(first_byte <= ' ');
        return (begins & ((first & (last >> 1U)) | is_empty)) != 0;
    }

private:
    /// Bits of `ends_`.
    static constexpr unsigned is_first = 1, is_last = 2;

    /// Without a check of the size: what follows a cell can be read.
    static std::uint8_t byte_at(Bytes cell, std::size_t at) {
        const char* const bytes = cell.data();
        return static_cast<std::uint8_t>(bytes[at]);
    }

    void add_ends(Bytes likeness);

    StartWords common_{};
    StartWords mask_{};    ///< The bits of `common_` that count.
    StartWords beyond_{};  ///< The highest bits of the bytes that are compared.
    /// For each byte, whether cells that look like a text may begin or end with it.
    std::array<std::uint8_t, 256> ends_{};
};

}  // namespace csvmill
