#include <doctest/doctest.h>

#include <string>

#include "text/case.hpp"
#include "text/utf8.hpp"

using namespace csvmill;

namespace {

std::string upper(Bytes text) {
    std::string to;
    append_upper(to, text);
    return to;
}

std::string lower(Bytes text) {
    std::string to;
    append_lower(to, text);
    return to;
}

std::string utf8(std::u32string_view text) {
    std::string to;
    for (const char32_t character : text) append_utf8(to, character);
    return to;
}

struct Row {
    std::u32string_view text;
    std::u32string_view changed;
};

}  // namespace

TEST_CASE("upper case has the full mappings of Unicode") {
    for (const auto& [text, changed] : {
             Row{U"", U""},
             {U"az AZ @[`{ 09", U"AZ AZ @[`{ 09"},
             {U"stra\u00DFe", U"STRASSE"},
             {U"\u00E9\u00FF\u00B5", U"\u00C9\u0178\u039C"},
             {U"\u0149\u01F0\u0390", U"\u02BCNJ\u030C\u0399\u0308\u0301"},
             {U"\uFB03", U"FFI"},
             {U"\u0131\u017F", U"IS"},
             {U"\u01C5\u01C6", U"\u01C4\u01C4"},
             {U"\u0345\u1F80", U"\u0399\u1F08\u0399"},
             {U"\u10D0\uAB70", U"\u1C90\u13A0"},
             {U"\U00010428\U0001E922", U"\U00010400\U0001E900"},
             {U"\u4E2D\U0001F600", U"\u4E2D\U0001F600"},
         }) {
        CHECK(upper(utf8(text)) == utf8(changed));
    }
}

TEST_CASE("lower case has the full mappings of Unicode") {
    for (const auto& [text, changed] : {
             Row{U"", U""},
             {U"az AZ @[`{ 09", U"az az @[`{ 09"},
             {U"\u0130", U"i\u0307"},
             {U"\u1E9E\u2126\u212A", U"\u00DF\u03C9k"},
             {U"\u0100\u0101\u0102", U"\u0101\u0101\u0103"},
             {U"\u13A0\u1C90", U"\uAB70\u10D0"},
             {U"\U00010400", U"\U00010428"},
         }) {
        CHECK(lower(utf8(text)) == utf8(changed));
    }
}

TEST_CASE("a sigma is final after a letter, unless a letter follows; ignorable ones do not count") {
    for (const auto& [text, changed] : {
             Row{U"\u03A3", U"\u03C3"},
             {U"a\u03A3", U"a\u03C2"},
             {U"a\u03A3b", U"a\u03C3b"},
             {U"a\u03A3 b", U"a\u03C2 b"},
             {U"1\u03A3", U"1\u03C3"},
             {U"\u4E2D\u03A3", U"\u4E2D\u03C3"},
             {U"a.\u03A3", U"a.\u03C2"},
             {U".\u03A3", U".\u03C3"},
             {U"a\u0301\u03A3\u0301", U"a\u0301\u03C2\u0301"},
             {U"a\u03A3'\u00AD\u0301b", U"a\u03C3'\u00AD\u0301b"},
             {U"\u039F\u03A3\u03A3", U"\u03BF\u03C3\u03C2"},
             {U"\u02B0\u03A3", U"\u02B0\u03C3"},
         }) {
        CHECK(lower(utf8(text)) == utf8(changed));
    }
}

TEST_CASE("ASCII is written in the other case, and no other text") {
    for (std::size_t size = 0; size <= 20; ++size) {
        for (int byte = 0; byte < 256; ++byte) {
            for (std::size_t at = 0; at < size; ++at) {
                std::string text(size, at % 2 == 0 ? 'q' : 'Q');
                text[at] = static_cast<char>(byte);
                // What follows does not matter.
                const std::string followed = text + std::string(7, '\xC3');
                std::string to(size + 7, ' ');
                const Bytes cell = Bytes(followed).substr(0, size);
                REQUIRE(write_ascii_upper(to.data(), cell) == (byte < 0x80));
                if (byte < 0x80) REQUIRE(to.substr(0, size) == upper(text));
                REQUIRE(write_ascii_lower(to.data(), cell) == (byte < 0x80));
                if (byte < 0x80) REQUIRE(to.substr(0, size) == lower(text));
            }
        }
    }
}

TEST_CASE("text of a changed case is appended") {
    std::string to = "x";
    append_upper(to, "a");
    append_lower(to, "B");
    CHECK(to == "xAb");
}

TEST_CASE("blanks at both ends are trimmed, other white space is not") {
    for (const auto& [text, trimmed_text] : {
             Row{U"", U""},
             {U" \t\r\n\v\f\u00A0", U""},
             {U"\u00A0 a\u00A0b \u00A0\t", U"a\u00A0b"},
             {U"\u2003a\u2003", U"\u2003a\u2003"},
             {U" \u0120 ", U"\u0120"},  // Its last byte is also that of U+00A0.
         }) {
        CHECK(trimmed(utf8(text)) == utf8(trimmed_text));
    }
}

TEST_CASE("controls, separators, surrogates and unassigned characters are not printable") {
    for (const char32_t character :
         {0x20U, 0x7EU, 0xA1U, 0xE9U, 0x301U, 0x4E2DU, 0xFFFDU, 0x1F600U, 0x3134AU}) {
        CHECK(is_printable(character));
    }
    for (const char32_t character :
         {0x0U, 0x1FU, 0x7FU, 0x80U, 0xA0U, 0xADU, 0x378U, 0x2003U, 0x2028U, 0xD800U, 0xDFFFU,
          0xE000U, 0xFEFFU, 0xFFFFU, 0xE0001U, 0x10FFFFU}) {
        CHECK_FALSE(is_printable(character));
    }
}
