#include "text/likeness.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "text/case.hpp"
#include "text/normal_form.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

/// The white space of Unicode.
bool is_blank(char32_t character) {
    switch (character) {
        case 0x85:
        case 0xA0:
        case 0x1680:
        case 0x2028:
        case 0x2029:
        case 0x202F:
        case 0x205F:
        case 0x3000:
            return true;
        default:
            return character == ' ' || (character >= 9 && character <= 13) ||
                   (character >= 0x2000 && character <= 0x200A);
    }
}

/// Characters that are not seen: soft hyphens, joiners, marks of direction, selectors of variants,
/// byte order marks.
bool is_invisible(char32_t character) {
    switch (character) {
        case 0xAD:
        case 0x34F:
        case 0x61C:
        case 0x180E:
        case 0xFEFF:
            return true;
        default:
            return (character >= 0x200B && character <= 0x200F) ||
                   (character >= 0x202A && character <= 0x202E) ||
                   (character >= 0x2060 && character <= 0x2069) ||
                   (character >= 0xFE00 && character <= 0xFE0F);
    }
}

/// Appends a text, or with `nuls` a key, as `append_plain_likeness` does.
template <bool nuls>
bool append_plain(std::string& to, Bytes text) {
    constexpr std::uint64_t each = 0x0101010101010101;
    constexpr std::uint64_t high = 0x80 * each;
    constexpr std::size_t size = sizeof each;
    const std::size_t begin = to.size();
    // Whether the byte before is a space; whether it is one, or ends a text.
    std::uint64_t blank_before = 0;
    std::uint64_t edge_before = high >> 56;  // The first byte must not be blank.
    to.resize(begin + text.size());
    for (std::size_t at = 0; at < text.size(); at += size) {
        const std::size_t count = std::min(size, text.size() - at);
        std::uint64_t word = 'a' * each;
        std::memcpy(&word, text.data() + at, count);
        // In each byte, the high bit: it is zero; it is a space; it is below one.
        const std::uint64_t zero = nuls ? ~(word + 0x7F * each) & high : 0;
        const std::uint64_t control = ~((word | high) - 0x20 * each) & high & ~zero;
        const std::uint64_t blank = ~((word | high) - 0x21 * each) & high & ~zero;
        const std::uint64_t after_edge = (blank | zero) << 8 | edge_before;
        const std::uint64_t after_blank = blank << 8 | blank_before;
        if (((word & high) | control | (blank & after_edge) | (zero & after_blank)) != 0) {
            to.resize(begin);
            return false;
        }
        blank_before = blank >> 56;
        edge_before = (blank | zero) >> 56;
        const std::uint64_t from_a = word + (0x80 - 'A') * each;
        const std::uint64_t beyond_z = word + (0x7F - 'Z') * each;
        word |= ((from_a ^ beyond_z) & high) >> 2;
        std::memcpy(to.data() + begin + at, &word, count);
    }
    if (!text.empty() && text.back() == ' ') {
        to.resize(begin);
        return false;
    }
    return true;
}

}  // namespace

void append_likeness(std::string& to, Bytes text) {
    std::string visible;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode_utf8(text, at);
        if (!is_invisible(next.character)) visible += text.substr(at, next.length);
        at += next.length;
    }
    std::string normal;
    append_nfc(normal, visible);
    std::string lower;
    append_lower(lower, normal);
    const std::size_t begin = to.size();
    bool blank = false;
    for (std::size_t at = 0; at < lower.size();) {
        const Decoded next = decode_utf8(lower, at);
        if (is_blank(next.character)) {
            blank = true;
        } else {
            if (blank && to.size() > begin) to += ' ';
            blank = false;
            to.append(lower, at, next.length);
        }
        at += next.length;
    }
}

bool append_plain_likeness(std::string& to, Bytes text) { return append_plain<false>(to, text); }

bool append_plain_key_likeness(std::string& to, Bytes key) { return append_plain<true>(to, key); }

void append_ascii_likeness(std::string& to, Bytes key) {
    bool begun = false;  // Whether the text has another character than blanks.
    bool blank = false;
    for (std::size_t at = 0; at < key.size(); ++at) {
        const char byte = key[at];
        if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
            blank = true;
            continue;
        }
        const bool separator = byte == 0 && at + 1 < key.size() && key[at + 1] == 0;
        if (blank && begun && !separator) to += ' ';
        blank = false;
        begun = !separator;
        if (byte == 0) {
            // Two of them separate texts; in a text, a 1 follows.
            to.append(key, at++, 2);
            continue;
        }
        to += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
    }
}

}  // namespace csvmill
