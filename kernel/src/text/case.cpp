#include "text/case.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/unicode_tables.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

using unicode::Expansion;
using unicode::Range;
using unicode::Run;

constexpr char32_t dotted_capital_i = 0x130;
constexpr char32_t combining_dot_above = 0x307;
constexpr char32_t capital_sigma = 0x3A3;
constexpr char32_t small_sigma = 0x3C3;
constexpr char32_t final_sigma = 0x3C2;

bool is_within(std::span<const Range> ranges, char32_t character) {
    const auto range = std::ranges::lower_bound(ranges, character, {}, &Range::last);
    return range != ranges.end() && range->first <= character;
}

char32_t mapped(std::span<const Run> runs, char32_t character) {
    const auto run = std::ranges::lower_bound(runs, character, {}, &Run::last);
    if (run == runs.end() || run->first > character) return character;
    if ((character - run->first) % run->step != 0) return character;
    return character + static_cast<char32_t>(run->difference);
}

bool is_letter(char32_t character, char first) {
    return character >= static_cast<unsigned char>(first) &&
           character < static_cast<unsigned char>(first) + 26U;
}

bool is_cased(char32_t character) {
    if (character < 0x80) return is_letter(character, 'A') || is_letter(character, 'a');
    return is_within(unicode::cased, character);
}

bool is_ignorable(char32_t character) {
    if (character < 0x80) return Bytes("'.:^`").find(static_cast<char>(character)) != Bytes::npos;
    return is_within(unicode::ignorable, character);
}

/// Whether the first character of `text` that is not case-ignorable is a letter with a case.
bool begins_cased(Bytes text) {
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode_utf8(text, at);
        if (!is_ignorable(next.character)) return is_cased(next.character);
        at += next.length;
    }
    return false;
}

/// The same for the last character.
bool ends_cased(Bytes text) {
    while (!text.empty()) {
        std::size_t begin = text.size() - 1;
        while (begin > 0 && (static_cast<std::uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
        const char32_t last = decode_utf8(text, begin).character;
        if (!is_ignorable(last)) return is_cased(last);
        text = text.substr(0, begin);
    }
    return false;
}

/// Appends `text` with its ASCII letters from `first` on in the other case, and every character
/// beyond ASCII by `append(at, decoded)`.
template <typename Append>
void append_changed(std::string& to, Bytes text, char first, Append append) {
    to.reserve(to.size() + text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char byte = text[at];
        if (static_cast<std::uint8_t>(byte) < 0x80) {
            const bool letter = is_letter(static_cast<std::uint8_t>(byte), first);
            to += letter ? static_cast<char>(byte ^ 0x20) : byte;
            ++at;
            continue;
        }
        const Decoded next = decode_utf8(text, at);
        if (next.valid) {
            append(at, next);
        } else {
            to += text.substr(at, next.length);
        }
        at += next.length;
    }
}

static_assert(std::endian::native == std::endian::little);
constexpr std::uint64_t each_byte = 0x0101010101010101;

/// Eight ASCII characters with those of the 26 letters from `first` on in the other case.
std::uint64_t changed(std::uint64_t eight, char first) {
    const auto letter = std::uint64_t{static_cast<unsigned char>(first)};
    // The highest bit of a byte tells whether it is at least `first`, and beyond the last letter.
    const std::uint64_t from_first = eight + (0x80 - letter) * each_byte;
    const std::uint64_t from_last = eight + (0x80 - 26 - letter) * each_byte;
    return eight ^ ((from_first & ~from_last & (0x80 * each_byte)) >> 2);
}

bool write_ascii(char* to, Bytes text, char first) {
    std::uint64_t all = 0;
    for (std::size_t at = 0; at < text.size(); at += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data() + at, sizeof eight);
        const std::size_t left = text.size() - at;
        if (left < 8) eight &= ~std::uint64_t{0} >> (8 * (8 - left));
        all |= eight;
        eight = changed(eight, first);
        std::memcpy(to + at, &eight, sizeof eight);
    }
    return (all & (0x80 * each_byte)) == 0;
}

}  // namespace

bool write_ascii_upper(char* to, Bytes text) { return write_ascii(to, text, 'a'); }

bool write_ascii_lower(char* to, Bytes text) { return write_ascii(to, text, 'A'); }

void append_upper(std::string& to, Bytes text) {
    append_changed(to, text, 'a', [&](std::size_t, const Decoded& next) {
        const char32_t upper = mapped(unicode::upper, next.character);
        if (upper != next.character) {
            append_utf8(to, upper);
            return;
        }
        const auto several = std::ranges::lower_bound(unicode::upper_expansions, next.character, {},
                                                      &Expansion::character);
        if (several == unicode::upper_expansions.end() || several->character != next.character) {
            append_utf8(to, upper);
            return;
        }
        for (const char32_t each : several->becomes) {
            if (each != 0) append_utf8(to, each);
        }
    });
}

void append_lower(std::string& to, Bytes text) {
    append_changed(to, text, 'A', [&](std::size_t at, const Decoded& next) {
        if (next.character == capital_sigma) {
            const bool ends_word =
                ends_cased(text.substr(0, at)) && !begins_cased(text.substr(at + next.length));
            append_utf8(to, ends_word ? final_sigma : small_sigma);
        } else if (next.character == dotted_capital_i) {
            append_utf8(to, 'i');
            append_utf8(to, combining_dot_above);
        } else {
            append_utf8(to, mapped(unicode::lower, next.character));
        }
    });
}

Bytes trimmed(Bytes text) {
    constexpr Bytes blanks = " \t\r\n\v\f";
    constexpr Bytes no_break_space = "\xC2\xA0";
    const auto is_blank = [&](char byte) { return blanks.find(byte) != Bytes::npos; };
    while (!text.empty()) {
        if (is_blank(text.front())) {
            text.remove_prefix(1);
        } else if (text.starts_with(no_break_space)) {
            text.remove_prefix(no_break_space.size());
        } else {
            break;
        }
    }
    while (!text.empty()) {
        if (is_blank(text.back())) {
            text.remove_suffix(1);
        } else if (text.ends_with(no_break_space)) {
            text.remove_suffix(no_break_space.size());
        } else {
            break;
        }
    }
    return text;
}

bool is_printable(char32_t character) {
    if (character < 0x80) return character >= 0x20 && character != 0x7F;
    return !is_within(unicode::not_printable, character) &&
           !is_within(unicode::unassigned, character);
}

}  // namespace csvmill
