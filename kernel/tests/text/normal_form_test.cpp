#include "text/normal_form.hpp"

#include <doctest/doctest.h>

#include <string>

#include "text/utf8.hpp"

using namespace csvmill;

namespace {

std::string utf8(std::u32string_view text) {
    std::string to;
    for (const char32_t character : text) append_utf8(to, character);
    return to;
}

struct Row {
    std::u32string_view text;
    std::u32string_view normal;
};

}  // namespace

// The rows are those of the standard: UAX #15, and section 3.12 of Unicode.
TEST_CASE("text becomes Normalization Form C") {
    for (const auto& [text, normal] : {
             Row{U"", U""},
             {U"a\u00E9", U"a\u00E9"},
             {U"e\u0301", U"\u00E9"},
             {U"\u212B\u2126", U"\u00C5\u03A9"},  // Ångström and Ohm
             {U"\u1E9B\u0323", U"\u1E9B\u0323"},  // no composite
             {U"s\u0323\u0307", U"\u1E69"},
             {U"s\u0307\u0323", U"\u1E69"},  // marks are sorted
             {U"\u1E0B\u0323", U"\u1E0D\u0307"},
             {U"q\u0307\u0323", U"q\u0323\u0307"},
             {U"\uFB01", U"\uFB01"},              // compatibility only
             {U"\u0958", U"\u0915\u093C"},        // excluded from composition
             {U"\u1100\u1161\u11A8", U"\uAC01"},  // Hangul
             {U"\uAC00\u11A8", U"\uAC01"},
             {U"\uAC01\u11A8", U"\uAC01\u11A8"},
             {U"\u0344", U"\u0308\u0301"},  // two marks
             {U"\u0301a", U"\u0301a"},      // no starter before it
             {U"a\u0315\u0300\u05AE\u0300b", U"\u00E0\u05AE\u0300\u0315b"},
             {U"\u1F80", U"\u1F80"},
             {U"\u03B1\u0313\u0345", U"\u1F80"},
             {U"\U0001D15E", U"\U0001D157\U0001D165"},
         }) {
        std::string to = "x";
        append_nfc(to, utf8(text));
        CHECK(to == "x" + utf8(normal));
        std::string again;
        append_nfc(again, utf8(normal));
        CHECK(again == utf8(normal));
    }
}

TEST_CASE("text that cannot change is recognized without changing it") {
    CHECK(is_surely_nfc(""));
    CHECK(is_surely_nfc("plain"));
    CHECK(is_surely_nfc(utf8(U"\u00E9\u02FF")));
    CHECK(is_surely_nfc(utf8(U"\u4E2D\u6587")));
    CHECK_FALSE(is_surely_nfc(utf8(U"e\u0301")));
    CHECK_FALSE(is_surely_nfc(utf8(U"\u212B")));
    CHECK_FALSE(is_surely_nfc(utf8(U"\uAC00\u11A8")));
}
