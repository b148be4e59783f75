#include "query/text_probe.hpp"

#include <algorithm>
#include <cstddef>

#include "text/like_bytes.hpp"
#include "text/likeness.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

/// The bytes at the start of a likeness that each text with it begins with, but for blanks, case
/// and characters beyond ASCII.
std::size_t plain_start(Bytes likeness) {
    std::size_t size = 0;
    const auto value = [&](std::size_t at) { return static_cast<std::uint8_t>(likeness[at]); };
    while (size < likeness.size() && value(size) > ' ' && value(size) < 0x80) ++size;
    // The last letter may be part of a decomposed one.
    if (size > 0 && size < likeness.size() && value(size) >= 0x80) --size;
    return std::min(size, 2 * sizeof(std::uint64_t));
}

}  // namespace

TextProbe::TextProbe(const std::vector<std::string>& texts) {
    constexpr std::uint64_t other_case = 0x2020202020202020;
    constexpr std::uint64_t highest = 0x8080808080808080;
    mask_.fill(~other_case);
    std::string likeness;
    for (std::size_t t = 0; t < texts.size(); ++t) {
        likeness.clear();
        append_likeness(likeness, texts[t]);
        const std::size_t size = plain_start(likeness);
        std::array<std::uint64_t, 2> words{};
        std::array<std::uint64_t, 2> counted{};
        std::memcpy(words.data(), likeness.data(), size);
        std::memset(counted.data(), 0xFF, size);
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (t == 0) common_[i] = words[i];
            mask_[i] &= counted[i] & ~(common_[i] ^ words[i]);
            beyond_[i] |= counted[i] & highest;
        }
        add_ends(likeness);
    }
}

/// Adds the bytes with which cells of a likeness begin and end.
void TextProbe::add_ends(Bytes likeness) {
    const bool ascii = is_ascii(likeness);
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const auto byte = static_cast<char>(i);
        const bool beyond = i >= 0x80;
        const bool begins = !likeness.empty() && lower_byte(byte) == likeness.front();
        const bool ends = !likeness.empty() && lower_byte(byte) == likeness.back();
        // A letter without its accent may begin a text, but not end it.
        const bool first = is_blank_byte(byte) || begins || !ascii ||
                           (beyond && may_vanish(static_cast<std::uint8_t>(i)));
        const bool last = is_blank_byte(byte) || ends || beyond;
        ends_[i] =
            static_cast<std::uint8_t>(ends_[i] | (first ? is_first : 0) | (last ? is_last : 0));
    }
}

}  // namespace csvmill
