#include "values/notation.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace csvmill;

namespace {

constexpr Notation canonical;
constexpr Notation german{',', '.'};
constexpr Notation swiss{'.', '\''};
constexpr Notation french{',', ' '};

/// The text of the number that `read` reads in `cell`; "none" if it reads none. The cell is read
/// from memory of its own, followed by `after` bytes that must not matter, so that a sanitizer sees
/// reads beyond.
template <typename Read>
std::string text_of(Bytes cell, std::size_t after, char other, Read read) {
    std::vector<char> own(cell.begin(), cell.end());
    own.resize(cell.size() + after, other);
    Decimal value;
    if (!read(Bytes(own.data(), cell.size()), value)) return "none";
    std::string text;
    value.append_text(text);
    return text;
}

std::string number(Bytes cell, const Notation& notation = canonical) {
    const std::string text = text_of(
        cell, 0, ' ', [&](Bytes own, Decimal& to) { return read_number(own, notation, to); });
    for (const char other : {'7', notation.decimal, ',', '\0', '\xff'}) {
        CHECK(text_of(cell, 8, other, [&](Bytes own, Decimal& to) {
                  return read_number<Readable::beyond>(own, notation, to);
              }) == text);
    }
    return text;
}

std::string integer(Bytes cell, const Notation& notation = canonical) {
    const std::string text = text_of(
        cell, 0, ' ', [&](Bytes own, Decimal& to) { return read_integer(own, notation, to); });
    for (const char other : {'7', notation.decimal, ',', '\0', '\xff'}) {
        CHECK(text_of(cell, 8, other, [&](Bytes own, Decimal& to) {
                  return read_integer<Readable::beyond>(own, notation, to);
              }) == text);
    }
    return text;
}

}  // namespace

TEST_CASE("numbers are read with all their decimals") {
    CHECK(number("42") == "42");
    CHECK(number("+42") == "42");
    CHECK(number("-0.50") == "-0.50");
    CHECK(number(".5") == "0.5");
    CHECK(number("5.") == "5");
    CHECK(number("007") == "7");
    CHECK(number("-0") == "0");
    CHECK(number("-0.00") == "0.00");
    CHECK(number("1e3") == "1000");
    CHECK(number("1.50E+1") == "15.0");
    CHECK(number("1.23457E+11") == "123457000000");
    CHECK(number("1e-3") == "0.001");
    CHECK(number("0e-2") == "0.00");
    CHECK(number("12345678.87654321") == "12345678.87654321");
    CHECK(number("123456789012345678901234567890.5") == "123456789012345678901234567890.5");
    CHECK(number("1e400") == "1" + std::string(400, '0'));
    CHECK(number("1e-400") == "0." + std::string(399, '0') + "1");
}

TEST_CASE("everything else is no number") {
    for (const char* cell : {"",
                             "-",
                             "+",
                             ".",
                             "-.",
                             "e3",
                             "1e",
                             "1e+",
                             "1 ",
                             " 1",
                             "--1",
                             "+-1",
                             "1-",
                             "1.2.3",
                             "1..",
                             "1,5",
                             "1,234",
                             "0x10",
                             "NaN",
                             "1e401",
                             "1e-401",
                             "1_000",
                             "1e0000000400",
                             "1e1.5",
                             "½",
                             "१",
                             "12a",
                             "1234567/",
                             "1234567:",
                             "12.4:",
                             "1234567890123x",
                             "\xff"}) {
        CAPTURE(cell);
        CHECK(number(cell) == "none");
    }
    CHECK(number(Bytes("1\0", 2)) == "none");
    for (const char* cell : {"", "-", "5.", "1.0", "1e3", "1,000", "+ 1", "12a4567890"}) {
        CAPTURE(cell);
        CHECK(integer(cell) == "none");
    }
}

TEST_CASE("digits of every length are read, with the point in every place") {
    std::mt19937 random(1);
    for (std::size_t size = 1; size <= 40; ++size) {
        std::string digits(1, '1');
        while (digits.size() < size) digits += static_cast<char>('0' + random() % 10);
        for (const std::string sign : {"", "-"}) {
            CHECK(integer(sign + digits) == sign + digits);
            CHECK(number(sign + digits) == sign + digits);
            for (std::size_t point = 1; point < size; ++point) {
                std::string cell = sign + digits;
                cell.insert(sign.size() + point, ".");
                CHECK(number(cell) == cell);
                CHECK(integer(cell) == "none");
            }
        }
    }
}

TEST_CASE("a byte that is no digit is found in every place") {
    for (std::size_t size = 1; size <= 20; ++size) {
        for (std::size_t place = 0; place < size; ++place) {
            for (const char c : {'/', ':', '\0', '\x80', '\xb5', '\xff', ' '}) {
                std::string cell(size, '7');
                cell[place] = c;
                CAPTURE(cell);
                CHECK(number(cell) == "none");
                CHECK(integer(cell) == "none");
            }
        }
    }
}

TEST_CASE("separators divide all digits into groups of three, or none") {
    CHECK(number("1.234.567,5", german) == "1234567.5");
    CHECK(number("1234567,5", german) == "1234567.5");
    CHECK(number("-1.234e2", german) == "-123400");
    CHECK(integer("12.345", german) == "12345");
    CHECK(number("1'234.5", swiss) == "1234.5");
    CHECK(number("1\u2019234\u2019567", swiss) == "1234567");
    CHECK(number("1\u00a0234", french) == "1234");
    CHECK(number("1\u202f234,25", french) == "1234.25");
    for (const char* cell : {"0.001", "1.23", "1234.567", "1.2345", "1.234567", "01.234", ".234",
                             "1.234.", "1.234.56", "1,5.0", "1.5"}) {
        CAPTURE(cell);
        CHECK(number(cell, german) == "none");
    }
    CHECK(number("1'234\u2019567", swiss) == "none");
    CHECK(number("1 234\u00a0567", french) == "none");
    CHECK(number("1\xc2", french) == "none");
}

TEST_CASE("the time to read a number is linear in its digits") {
    const std::string digits(10'000'000, '7');
    const std::string zeros = "0." + std::string(10'000'000, '0');
    const auto start = std::chrono::steady_clock::now();
    CHECK(number(digits) == digits);
    CHECK(number(zeros) == zeros);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("messages describe the kind in the notation of the file") {
    CHECK(expected(Kind::integer, canonical) == "an integer, such as 42 or -7");
    CHECK(expected(Kind::number, canonical) ==
          "a number, such as 42, -0.5 or 1e3 (exponents from -400 to 400)");
    CHECK(expected(Kind::integer, german) == "an integer, such as 42 or -1.234");
    CHECK(expected(Kind::number, german) == "a number, such as 42, -0,5 or 1.234,5");
    CHECK(expected(Kind::number, {',', 0}) == "a number, such as 42, -0,5 or 1234,5");
}

TEST_CASE("hints name the fewest settings with which a cell is a number") {
    CHECK(hint(Kind::number, "1,5", canonical) == "input.decimal to ','");
    CHECK(hint(Kind::number, "1,234", canonical) ==
          "input.thousands to ',' or input.decimal to ','");
    CHECK(hint(Kind::integer, "1,234", canonical) == "input.thousands to ','");
    CHECK(hint(Kind::number, "1.234,5", canonical) ==
          "input.decimal to ',' and input.thousands to '.'");
    CHECK(hint(Kind::integer, "1'234", canonical) == "input.thousands to \"'\"");
    CHECK(hint(Kind::integer, "1\u00a0234", canonical) == "input.thousands to ' '");
    CHECK(hint(Kind::number, "1.5", {',', 0}) == "input.decimal to '.'");
    CHECK(hint(Kind::number, "1,23,4", canonical).empty());
    CHECK(hint(Kind::number, "1,5 kg", canonical).empty());
    CHECK(hint(Kind::date, "1,5", canonical).empty());
    CHECK(hint(Kind::integer, "1,234", canonical) == "input.thousands to ','");
    CHECK(hint(Kind::integer, "abc", canonical).empty());
}
