#include <doctest/doctest.h>

#include <array>
#include <string>

#include "text/transcode.hpp"
#include "text/utf8.hpp"

using namespace csvmill;

namespace {

struct Row {
    Encoding encoding;
    std::string source;
    Bytes text;
};

constexpr Bytes half = "\xFF";

const std::array<Row, 38>& rows() {
    using namespace std::string_literals;
    using enum Encoding;
    static const std::array<Row, 38> found{{
        {utf_8, "a\xFF\xC3", "a\xFF\xC3"},
        {latin_1, "a\x80\xE9\xFF", "a\xC2\x80\xC3\xA9\xC3\xBF"},
        {latin_1,
         "0123456789\xA0"
         "0123456789",
         "0123456789\xC2\xA0"
         "0123456789"},
        {windows_1252, "\x80 \x9F\xA0\xE9", "\xE2\x82\xAC \xC5\xB8\xC2\xA0\xC3\xA9"},
        {windows_1252, "a\x81\x8D\x8F\x90\x9D", "a\x81\x8D\x8F\x90\x9D"},
        {utf_16_le,
         "\xFF\xFE"
         "a\0"s,
         "\xEF\xBB\xBF"
         "a"},
        {utf_16_be, "\xFE\xFF\0a"s,
         "\xEF\xBB\xBF"
         "a"},
        {utf_16_le, "a\0b\0c\0d\0e\0f\0\xE9\0g\0\xAC\x20"s, "abcdef\xC3\xA9g\xE2\x82\xAC"},
        {utf_16_be, "\0a\0b\0c\0d\0e\0f\0\xE9\0g\x20\xAC"s, "abcdef\xC3\xA9g\xE2\x82\xAC"},
        {utf_16_le,
         "\x3D\xD8\0\xDE"
         "a\0"s,
         "\xF0\x9F\x98\x80"
         "a"},
        {utf_16_be, "\xD8\x3D\xDE\0\0a"s,
         "\xF0\x9F\x98\x80"
         "a"},
        // Half a pair: before another character, before a pair, the second one alone, at the end.
        {utf_16_be, "\xD8\0\0a"s,
         "\xED\xA0\x80"
         "a"},
        {utf_16_be, "\xD8\0\xD8\x3D\xDE\0"s, "\xED\xA0\x80\xF0\x9F\x98\x80"},
        {utf_16_be, "\xDC\0\0a"s,
         "\xED\xB0\x80"
         "a"},
        {utf_16_be, "\0a\xDB\xFF"s, "a\xED\xAF\xBF"},
        {utf_16_le, "\0\xD8"s, "\xED\xA0\x80"},
        // Half a unit at the end, also after half a pair.
        {utf_16_be, "\0a\0"s, "a\xFF"},
        {utf_16_be, "\0a\xD8\0\xDC"s, "a\xFF"},
        {utf_16_le, "a"s, half},
        // The second byte may be ASCII, and one byte may be a character.
        {shift_jis, "\x95\\|\x83|\xB1", "表|ポｱ"},
        {shift_jis, "\x81\n\x81", "\x81\n\x81"},
        {shift_jis, "\x81,\xFC\xFC,\xF0@", "\x81,\xFC\xFC,\uE000"},
        {euc_jp, "\xC5\xEC\x8E\xB1\x8F\xB0\xA1", "東ｱ丂"},
        {euc_jp, "\x8F\xA2\xB7\xA1~", "\x8F\xA2掘~"},
        {euc_jp, "\x8F\xB0\n\x8F\x41", "\x8F\xB0\n\x8F\x41"},
        {euc_jp, "a\x8F\xB0", "a\x8F\xB0"},
        {euc_jp, "\xF5\xA1", "\xF5\xA1"},
        {gb18030, "\xB1\xB1\xBE\xA9", "北京"},
        {gb18030, "\x81\x30\x81\x30\x90\x30\x81\x30\xE3\x32\x9A\x35", "\u0080\U00010000\U0010FFFF"},
        {gb18030, "\x84\x31\xA4\x37\x84\x31\xA4\x38", "\uFFFD\uFFFE"},
        {gb18030, "\x84\x31\xA5\x30 \xE3\x32\x9A\x36", "\x84\x31\xA5\x30 \xFF\x32\x9A\x36"},
        {gb18030, "a\x81\x30\x81", "a\x81\x30\x81"},
        {gb18030, "\x81\x30\n\x81\x30", "\x81\x30\n\x81\x30"},
        {gb18030, "\x80\xFF\x81\xFF", "\x80\xFF\x81\xFF"},
        {big5, "\xBBO\xA5_", "臺北"},
        {big5, "\x81\x40\xFA\x40", "\x81\x40\xFA\x40"},
        {euc_kr, "\xBC\xAD\xBF\xEF\x81\x41", "서울갂"},
        {euc_kr, "\xC9\xA1\x81", "\xFF죦"},
    }};
    return found;
}

}  // namespace

TEST_CASE("text is converted to UTF-8 in the same way however it is cut into blocks") {
    for (const Row& row : rows()) {
        const Bytes source = row.source;
        for (std::size_t first = 0; first <= source.size(); ++first) {
            for (std::size_t second = first; second <= source.size(); ++second) {
                Transcoder transcoder(row.encoding);
                std::string text = "before ";
                transcoder.append(source.substr(0, first), false, text);
                transcoder.append(source.substr(first, second - first), false, text);
                transcoder.append(source.substr(second), true, text);
                if (text != "before " + std::string(row.text)) FAIL_CHECK(text);
            }
        }
    }
}

TEST_CASE("an empty last block completes the text") {
    for (const Row& row : rows()) {
        Transcoder transcoder(row.encoding);
        std::string text;
        for (const char& byte : row.source) transcoder.append(Bytes(&byte, 1), false, text);
        transcoder.append("", true, text);
        CHECK(text == row.text);
    }
}

TEST_CASE("the length in the file is that of the source, unless half a character is left") {
    for (const Row& row : rows()) {
        const bool wide =
            row.encoding == Encoding::utf_16_le || row.encoding == Encoding::utf_16_be;
        if (wide && row.text.ends_with(half)) continue;
        CHECK(source_length(row.text, row.encoding) == row.source.size());
    }
}

TEST_CASE("long text of UTF-16 is converted wherever a character beyond ASCII stands") {
    for (std::size_t at = 0; at < 600; at += 7) {
        std::string expected(600, 'x');
        std::string source;
        for (std::size_t each = 0; each < 600; ++each) {
            source += each == at ? '\xE9' : 'x';
            source += '\0';
        }
        expected.replace(at, 1, "\xC3\xA9");
        Transcoder transcoder(Encoding::utf_16_le);
        std::string text;
        transcoder.append(source, true, text);
        if (text != expected) FAIL_CHECK(at);
    }
}
