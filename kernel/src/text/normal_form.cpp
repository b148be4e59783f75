#include "text/normal_form.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "text/unicode_tables.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

using unicode::Class;
using unicode::Pair;
using unicode::Range;

/// Bytes below begin no character from U+0300 on. All characters before it are inert.
constexpr unsigned char first_not_inert = 0xCC;

// Hangul syllables: Unicode, section 3.12.
constexpr char32_t syllables = 0xAC00, leads = 0x1100, vowels = 0x1161, tails = 0x11A7;
constexpr char32_t lead_count = 19, vowel_count = 21, tail_count = 28;
constexpr char32_t syllable_count = lead_count * vowel_count * tail_count;

/// A character with its canonical combining class.
struct Mark {
    char32_t character;
    std::uint32_t number;
};

std::uint32_t class_of(char32_t character) {
    const auto found = std::ranges::lower_bound(unicode::combining, character, {}, &Class::last);
    return found != unicode::combining.end() && found->first <= character ? found->number : 0;
}

bool is_inert(char32_t character) {
    const auto found = std::ranges::lower_bound(unicode::not_inert, character, {}, &Range::last);
    return found == unicode::not_inert.end() || found->first > character;
}

void decompose(char32_t character, std::vector<Mark>& to) {
    if (character - syllables < syllable_count) {
        const char32_t number = character - syllables;
        to.push_back({leads + number / (vowel_count * tail_count), 0});
        to.push_back({vowels + number / tail_count % vowel_count, 0});
        if (number % tail_count != 0) to.push_back({tails + number % tail_count, 0});
        return;
    }
    const auto found =
        std::ranges::lower_bound(unicode::decompositions, character, {}, &Pair::character);
    if (found == unicode::decompositions.end() || found->character != character) {
        to.push_back({character, class_of(character)});
        return;
    }
    decompose(found->first, to);
    if (found->second != 0) decompose(found->second, to);
}

/// The character that two others make; 0 if they make none.
char32_t composed(char32_t first, char32_t second) {
    if (first - leads < lead_count && second - vowels < vowel_count) {
        return syllables + ((first - leads) * vowel_count + (second - vowels)) * tail_count;
    }
    if (first - syllables < syllable_count && (first - syllables) % tail_count == 0 &&
        second > tails && second < tails + tail_count) {
        return first + (second - tails);
    }
    const auto key = [](const Pair& pair) { return std::pair(pair.first, pair.second); };
    const std::pair<std::uint32_t, std::uint32_t> wanted(first, second);
    const auto found = std::ranges::lower_bound(unicode::compositions, wanted, {}, key);
    return found != unicode::compositions.end() && key(*found) == wanted ? found->character : 0;
}

/// Sorts marks by their class, where they follow one another.
void order(std::vector<Mark>& text) {
    for (auto at = text.begin(); at != text.end();) {
        const auto starter = [](const Mark& mark) { return mark.number == 0; };
        const auto begin = std::find_if_not(at, text.end(), starter);
        at = std::find_if(begin, text.end(), starter);
        std::stable_sort(begin, at,
                         [](const Mark& a, const Mark& b) { return a.number < b.number; });
    }
}

/// Composes marks with the starter before them, unless another one of their class, or a starter,
/// is between.
void compose(std::vector<Mark>& text) {
    std::size_t kept = 0;
    std::size_t starter = 0;
    bool any_starter = false;
    for (const Mark& mark : text) {
        const bool adjacent = any_starter && starter + 1 == kept;
        const bool free = adjacent || (any_starter && text[kept - 1].number != 0 &&
                                       text[kept - 1].number < mark.number);
        const char32_t both = free ? composed(text[starter].character, mark.character) : 0;
        if (both != 0) {
            text[starter].character = both;
            continue;
        }
        if (mark.number == 0) {
            starter = kept;
            any_starter = true;
        }
        text[kept++] = mark;
    }
    text.resize(kept);
}

}  // namespace

bool is_surely_nfc(Bytes text) {
    const bool low = std::ranges::all_of(
        text, [](char byte) { return static_cast<unsigned char>(byte) < first_not_inert; });
    if (low) return true;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode_utf8(text, at);
        if (!is_inert(next.character)) return false;
        at += next.length;
    }
    return true;
}

void append_nfc(std::string& to, Bytes text) {
    if (is_surely_nfc(text)) {
        to += text;
        return;
    }
    std::vector<Mark> marks;
    marks.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode_utf8(text, at);
        decompose(next.character, marks);
        at += next.length;
    }
    order(marks);
    compose(marks);
    for (const Mark& mark : marks) append_utf8(to, mark.character);
}

}  // namespace csvmill
