#include <doctest/doctest.h>

#include <string>

#include "text/show.hpp"

using namespace csvmill;

namespace {

struct Row {
    Bytes text;
    Bytes shown;
};

std::string repeated(Bytes text, std::size_t times) {
    std::string to;
    for (std::size_t each = 0; each < times; ++each) to += text;
    return to;
}

}  // namespace

TEST_CASE("text is quoted and escaped as Python's repr does") {
    for (const auto& [text, shown] : {
             Row{"", "''"},
             {"a b", "'a b'"},
             {"it's", "\"it's\""},
             {"say \"x\"", "'say \"x\"'"},
             {"it's \"x\"", "'it\\'s \"x\"'"},
             {"a\\b", "'a\\\\b'"},
             {"\t\n\r", "'\\t\\n\\r'"},
             {Bytes("\0\x1F\x7F", 3), "'\\x00\\x1f\\x7f'"},
             {"\xC2\x80\xC2\xA0\xC2\xAD\xC3\xA9", "'\\x80\\xa0\\xad\xC3\xA9'"},
             {"\xE2\x80\xA8\xEF\xBB\xBF\xE4\xB8\xAD", "'\\u2028\\ufeff\xE4\xB8\xAD'"},
             {"\xF3\xA0\x80\x81\xF0\x9F\x98\x80", "'\\U000e0001\xF0\x9F\x98\x80'"},
         }) {
        CHECK(repr(text) == shown);
        CHECK(show(text) == shown);
    }
}

TEST_CASE("invalid bytes are shown as numbers") {
    CHECK(show("a\xFFz") == "'a\\\\xffz'");
    CHECK(show("\xE2\x82") == "'\\\\xe2\\\\x82'");
    CHECK(show("\xED\xA0\x80'") == "\"\\\\xed\\\\xa0\\\\x80'\"");
}

TEST_CASE("long text is cut by characters, and counted by bytes") {
    CHECK(show(repeated("x", 60)) == "'" + repeated("x", 60) + "'");
    CHECK(show(repeated("x", 61)) == "'" + repeated("x", 60) + "'...");
    CHECK(show(repeated("\xC3\xA9", 31)) == "'" + repeated("\xC3\xA9", 31) + "'...");
    CHECK(show("abc", 2) == "'ab'...");
    CHECK(show("abc", 0) == "''...");
    // Four characters stand for each invalid byte.
    CHECK(show("\xFF\xFF", 6) == "'\\\\xff\\\\x'");
    // A character that the cut after four times the limit divides.
    CHECK(show("\xF0\x9F\x98\x80\xC3\xA9", 1) == "'\xF0\x9F\x98\x80'...");
    CHECK(show("\xE2\x82\xAC\xE2\x82\xAC", 1) == "'\xE2\x82\xAC'...");
}

TEST_CASE("numbers of columns have the right form") {
    CHECK(columns(0) == "0 columns");
    CHECK(columns(1) == "1 column");
    CHECK(columns(12) == "12 columns");
}
