#include <doctest/doctest.h>

#include <random>
#include <string>

#include "values/big_decimal.hpp"
#include "values/decimal.hpp"
#include "values/notation.hpp"

using namespace csvmill;

namespace {

Decimal number(Bytes text) {
    Decimal value;
    REQUIRE(read_number(text, Notation{}, value));
    return value;
}

std::string text(const Decimal& value) {
    std::string to;
    value.append_text(to);
    return to;
}

std::string quotient(Bytes a, Bytes b, std::uint32_t decimals) {
    return text(Decimal::quotient(number(a), number(b), decimals));
}

std::string root(Bytes a, Bytes b, std::uint32_t decimals) {
    return text(Decimal::root_of_quotient(number(a), number(b), decimals));
}

BigDecimal integer(const std::string& digits) { return BigDecimal::of_digits(false, digits, 0); }

std::string digits_of(const BigDecimal& value) {
    std::string to;
    value.append_digits(to);
    return to;
}

/// Up to `most` digits, often with many nines or zeros: where a guessed digit is wrong.
std::string random_digits(std::mt19937_64& random, std::size_t most) {
    std::string digits(1 + random() % most, '0');
    const auto kind = random() % 3;
    for (char& digit : digits) {
        const auto drawn = static_cast<char>('0' + random() % 10);
        digit = kind == 0 || random() % 8 == 0 ? drawn : kind == 1 ? '9' : '0';
    }
    digits.front() = static_cast<char>('1' + random() % 9);
    return digits;
}

}  // namespace

TEST_CASE("products are exact, and have the decimals of both factors") {
    CHECK(text(Decimal::product(number("1.50"), number("-0.3"))) == "-0.450");
    CHECK(text(Decimal::product(number("0"), number("1.25"))) == "0.00");
    CHECK(text(Decimal::product(number("9223372036854775807"), number("-9223372036854775808"))) ==
          "-85070591730234615856620279821087277056");
    CHECK(text(Decimal::product(number("1e400"), number("1e-400"))) ==
          "1." + std::string(400, '0'));
}

TEST_CASE("quotients are rounded half to even") {
    CHECK(quotient("1", "3", 6) == "0.333333");
    CHECK(quotient("2", "3", 6) == "0.666667");
    CHECK(quotient("-2", "3", 6) == "-0.666667");
    CHECK(quotient("1", "8", 2) == "0.12");
    CHECK(quotient("3", "8", 2) == "0.38");
    CHECK(quotient("-1", "-8", 2) == "0.12");
    CHECK(quotient("10", "0.25", 0) == "40");
    CHECK(quotient("0.001", "10", 1) == "0.0");
    CHECK(quotient("-0.001", "10", 1) == "0.0");
    CHECK(quotient("1e40", "3e40", 3) == "0.333");
    CHECK(quotient("1e40", "8e40", 2) == "0.12");
    CHECK(quotient("1e-390", "3", 392) == "0." + std::string(389, '0') + "033");
    CHECK(quotient("1e400", "1e-400", 0) == "1" + std::string(800, '0'));
}

TEST_CASE("square roots are rounded half to even") {
    CHECK(root("2", "1", 6) == "1.414214");
    CHECK(root("0", "1", 2) == "0.00");
    CHECK(root("9", "4", 0) == "2");
    CHECK(root("25", "4", 0) == "2");
    CHECK(root("49", "4", 0) == "4");
    CHECK(root("6.2499", "1", 0) == "2");
    CHECK(root("6.25001", "1", 0) == "3");
    CHECK(root("9e60", "1", 1) == "3" + std::string(30, '0') + ".0");
    CHECK(root("25e60", "4e60", 0) == "2");
    CHECK(root("2e100", "1e100", 20) == "1.41421356237309504880");
}

TEST_CASE("a quotient and its rest make the dividend again, and a root is rounded down") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 3000; ++round) {
        const std::string dividend = random_digits(random, 120);
        const BigDecimal divisor = integer(random_digits(random, 100));
        BigDecimal rest;
        BigDecimal product = integer(dividend).divided(divisor, rest).times(divisor);
        CHECK(rest.compare_magnitude(divisor) < 0);
        product.add(rest, 0);
        CHECK(digits_of(product) == dividend);

        const BigDecimal below = integer(dividend).root();
        CHECK(below.times(below).compare_magnitude(integer(dividend)) <= 0);
        BigDecimal above = below;
        above.increment_magnitude();
        CHECK(above.times(above).compare_magnitude(integer(dividend)) > 0);
    }
}
