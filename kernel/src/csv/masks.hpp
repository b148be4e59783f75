/// Masks of a few KiB of text: one bit for each byte, for each kind of byte that structures CSV.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace csvmill {

/// The bytes of a dialect that are looked for. All are ASCII.
struct Marks {
    char delimiter = ',';
    char quote = '"';
    char newline = '\n';
    char foreign = '\r';  ///< The one of CR and LF that does not end lines.
    bool quoted = true;   ///< Whether there is a quote.
};

/// Bit i of word k is about byte 64 k + i.
struct Masks {
    static constexpr std::size_t words = 64;
    using Mask = std::array<std::uint64_t, words>;

    Mask separators;  ///< Delimiters and line ends, also in quotes.
    Mask newlines;    ///< Also in quotes.
    Mask foreign;     ///< Also in quotes.
    Mask quotes;
    Mask inside;  ///< Bytes from an opening quote on, and before the closing one.
    bool any_quote;
    bool any_foreign;
    bool any_not_ascii;
};

/// Makes the masks of `64 * words` bytes at `data`; `words` is at most `Masks::words`. `inside` is
/// 0, or all ones if `data` begins in quotes; it becomes the same for the bytes that follow. If
/// nothing is quoted, the masks of quotes are not made.
using MakeMasks = void (*)(const char* data, std::size_t words, const Marks& marks,
                           std::uint64_t& inside, Masks& masks);

void make_masks_plain(const char* data, std::size_t words, const Marks& marks,
                      std::uint64_t& inside, Masks& masks);

/// Whether the processor has the vector instructions of `make_masks_vector`: NEON; or AVX2,
/// PCLMULQDQ, and BMI and POPCNT for those who use the masks.
bool has_vectors();

void make_masks_vector(const char* data, std::size_t words, const Marks& marks,
                       std::uint64_t& inside, Masks& masks);

}  // namespace csvmill
