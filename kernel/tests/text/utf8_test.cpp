#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "text/utf8.hpp"

using namespace csvmill;

namespace {

/// The well-formed sequences of RFC 3629: bounds of each byte.
struct Form {
    std::size_t length;
    std::array<std::array<unsigned, 2>, 4> bounds;
};

constexpr std::array<Form, 9> forms{{
    {1, {{{0x00, 0x7F}}}},
    {2, {{{0xC2, 0xDF}, {0x80, 0xBF}}}},
    {3, {{{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}}}},
    {3, {{{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}}}},
    {3, {{{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}}}},
    {3, {{{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}}}},
    {4, {{{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}}},
    {4, {{{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}}},
    {4, {{{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}}}},
}};

/// The most bytes at `at` with which a well-formed sequence begins.
Decoded expected_at(Bytes text, std::size_t at) {
    std::size_t most = 1;
    for (const Form& form : forms) {
        std::size_t fits = 0;
        while (fits < form.length && at + fits < text.size()) {
            const unsigned byte = static_cast<unsigned char>(text[at + fits]);
            if (byte < form.bounds.at(fits)[0] || byte > form.bounds.at(fits)[1]) break;
            ++fits;
        }
        if (fits == form.length) return {0, fits, true};
        most = std::max(most, fits);
    }
    return {0, most, false};
}

bool expected_valid(Bytes text) {
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = expected_at(text, at);
        if (!next.valid) return false;
        at += next.length;
    }
    return true;
}

/// All texts of up to four bytes at the bounds of the forms.
std::vector<std::string> hostile_texts() {
    constexpr Bytes bytes =
        "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xE1\xED\xEF\xF0\xF3\xF4\xF5\xFF";
    std::vector<std::string> found{""};
    for (std::size_t begin = 0, length = 1; length <= 4; ++length) {
        const std::size_t end = found.size();
        for (; begin < end; ++begin) {
            for (const char byte : bytes) found.push_back(found[begin] + byte);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("what is no character is grouped into the longest starts of characters") {
    for (const std::string& text : hostile_texts()) {
        bool agrees = true;
        for (std::size_t at = 0; at < text.size();) {
            const Decoded expected = expected_at(text, at);
            const Decoded found = decode_utf8(text, at);
            agrees = agrees && found.valid == expected.valid && found.length == expected.length;
            at += expected.length;
        }
        if (!agrees) FAIL_CHECK(text);
    }
}

TEST_CASE("validation agrees with RFC 3629, in short texts and at each border of blocks") {
    const std::array<std::size_t, 6> before{0, 7, 30, 61, 62, 127};
    for (const std::string& text : hostile_texts()) {
        const bool expected = expected_valid(text);
        bool agrees = true;
        for (const std::size_t length : before) {
            const std::string padded = std::string(length, 'x') + text;
            agrees = agrees && is_utf8(padded) == expected;
        }
        agrees = agrees && is_utf8(text + std::string(100, 'x')) == expected;
        if (!agrees) FAIL_CHECK(text);
    }
}

TEST_CASE("one wrong byte is found at every place of a text") {
    for (const std::string& unit : {std::string("x"), std::string("\xC3\xA9"),
                                    std::string("\xE2\x82\xAC"), std::string("\xF0\x9F\x98\x80")}) {
        for (std::size_t count = 1; count * unit.size() < 200; count += 1 + count / 8) {
            std::string text;
            for (std::size_t each = 0; each < count; ++each) text += unit;
            CHECK(is_utf8(text));
            CHECK(is_ascii(text) == (unit.size() == 1));
            for (char& byte : text) {
                const char kept = byte;
                byte = '\xFF';
                if (is_utf8(text) || is_ascii(text)) FAIL_CHECK(text);
                byte = kept;
            }
            if (unit.size() > 1) CHECK_FALSE(is_utf8(Bytes(text).substr(0, text.size() - 1)));
        }
    }
}

TEST_CASE("every character is written and read as it is") {
    bool same = true;
    for (char32_t character = 0; character < 0x110000; ++character) {
        std::string text;
        append_utf8(text, character);
        const bool surrogate = character >= 0xD800 && character < 0xE000;
        const Decoded found = decode_utf8(text, 0);
        same = same && found.valid != surrogate && is_utf8(text) != surrogate;
        if (!surrogate) same = same && found.character == character && found.length == text.size();
    }
    CHECK(same);
}
