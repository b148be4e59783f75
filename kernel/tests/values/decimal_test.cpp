#include "values/decimal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "text/error.hpp"
#include "values/big_decimal.hpp"
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

std::string sum(const std::vector<Bytes>& cells) {
    Decimal total;
    for (const Bytes cell : cells) total.add(number(cell));
    return text(total);
}

std::string sortable(const Decimal& value) {
    std::string to;
    value.append_sortable(to);
    return to;
}

/// Numbers at the limits of the forms, in ascending order, no two of them equal.
std::vector<std::string> ascending() {
    std::vector<std::string> positive = {"1e-400",
                                         "2e-400",
                                         "1e-399",
                                         "9e-20",
                                         "1e-19",
                                         "9.99999e-19",
                                         "1e-18",
                                         "1.5e-18",
                                         "1e-17",
                                         "0.0001",
                                         "0.001",
                                         "0.0999",
                                         "0.1",
                                         "0.10001",
                                         "0.12",
                                         "0.123",
                                         "0.5",
                                         "0.99",
                                         std::string("0.").append(40, '9'),
                                         "1",
                                         "1.0000000000000000000000001",
                                         "1.01",
                                         "1.1",
                                         "1.5",
                                         "9",
                                         "10",
                                         "99",
                                         "100",
                                         "127",
                                         "128",
                                         "255",
                                         "256",
                                         "32767",
                                         "32768",
                                         "65536",
                                         "1e18",
                                         "1000000000000000000.5",
                                         "9223372036854775807",
                                         "9223372036854775807.5",
                                         "9223372036854775808",
                                         "9223372036854775809",
                                         "1e19",
                                         "1e20",
                                         "1.5e20",
                                         "2e20",
                                         "1e36",
                                         std::string(40, '9'),
                                         "1e40",
                                         "1e400",
                                         "1.1e400"};
    std::vector<std::string> all;
    for (auto each = positive.rbegin(); each != positive.rend(); ++each) all.push_back("-" + *each);
    all.emplace_back("0");
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
}

}  // namespace

TEST_CASE("sums are exact, with as many decimals as the number with the most") {
    CHECK(sum({"0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1"}) == "1.0");
    CHECK(sum({"1", "0.25", "10.5"}) == "11.75");
    CHECK(sum({"9223372036854775807", "1"}) == "9223372036854775808");
    CHECK(sum({"-9223372036854775808", "-1"}) == "-9223372036854775809");
    CHECK(sum({"9223372036854775807", "9223372036854775807", "-9223372036854775807"}) ==
          "9223372036854775807");
    CHECK(sum({"1e400", "1e-400", "-1e400"}) == "0." + std::string(399, '0') + "1");
    CHECK(sum({"1e40", "-1"}) == std::string(40, '9'));
    CHECK(sum({std::string(60, '9'), "1"}) == "1" + std::string(60, '0'));
    CHECK(sum({"1e30", "-1e30"}) == "0");
    CHECK(sum({"-1e30", "1e30", "-0.00"}) == "0.00");
}

TEST_CASE("a number can be added to itself") {
    Decimal value = number("1e30");
    value.add(value);
    CHECK(text(value) == "2" + std::string(30, '0'));
}

TEST_CASE("the order of additions does not matter") {
    std::mt19937 random(2);
    auto cells = ascending();
    cells.emplace_back("123.456");
    Decimal expected_sum;
    for (const auto& cell : cells) expected_sum.add(number(cell));
    CHECK(compare(expected_sum, number("123.456")) == 0);
    for (int i = 0; i < 20; ++i) {
        std::shuffle(cells.begin(), cells.end(), random);
        Decimal total;
        for (const auto& cell : cells) total.add(number(cell));
        CHECK(text(total) == text(expected_sum));
    }
}

TEST_CASE("means are rounded half to even") {
    const auto mean = [](Bytes total, std::uint64_t count) {
        return text(number(total).mean(count, 6));
    };
    CHECK(mean("10", 4) == "2.5");
    CHECK(mean("2", 3) == "0.666667");
    CHECK(mean("-2", 3) == "-0.666667");
    CHECK(mean("1.00", 1) == "1.00");
    CHECK(mean("0.000001", 2) == "0.0000005");
    CHECK(mean("1", 2000000) == "0");
    CHECK(mean("3", 2000000) == "0.000002");
    CHECK(mean("-1", 2000000) == "0");
    CHECK(mean("-1", 1999999) == "-0.000001");
    CHECK(mean("0.00", 7) == "0.00");
    CHECK(mean("1e40", 3) == std::string(40, '3') + ".333333");
    CHECK(mean("-2e40", 3) == "-" + std::string(40, '6') + ".666667");
    CHECK(mean("18446744073709551615", 18446744073709551615u) == "1");
    CHECK(mean("9223372036854775807", 1) == "9223372036854775807");
}

TEST_CASE("half a number has one more decimal if it needs it") {
    CHECK(text(number("3").half()) == "1.5");
    CHECK(text(number("4").half()) == "2");
    CHECK(text(number("-0.25").half()) == "-0.125");
    CHECK(text(number("1.50").half()) == "0.75");
    CHECK(text(number("1e30").half()) == "5" + std::string(29, '0'));
}

TEST_CASE("decimals are added and removed") {
    CHECK(text(number("10").padded(2)) == "10.00");
    CHECK(text(number("1.2345").padded(2)) == "1.2345");
    CHECK(text(number("0").padded(3)) == "0.000");
    CHECK(text(number("1.5000").trimmed(2)) == "1.50");
    CHECK(text(number("1.5000").trimmed(0)) == "1.5");
    CHECK(text(number("1.234").trimmed(1)) == "1.234");
    CHECK(text(number("100").trimmed(0)) == "100");
    CHECK(text(number("0.0000").trimmed(1)) == "0.0");
    CHECK(text(number("1").padded(40)) == "1." + std::string(40, '0'));
    CHECK(text(number("1").padded(40).trimmed(1)) == "1.0");
}

TEST_CASE("numbers compare by value, and their sortable bytes do too") {
    const auto cells = ascending();
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const Decimal a = number(cells[i]);
        for (std::size_t j = 0; j < cells.size(); ++j) {
            CAPTURE(cells[i]);
            CAPTURE(cells[j]);
            const Decimal b = number(cells[j]);
            CHECK(compare(a, b) == (i <=> j));
            const std::string x = sortable(a);
            const std::string y = sortable(b);
            CHECK((x.compare(y) <=> 0) == (i <=> j));
            if (i != j) CHECK(!x.starts_with(y));
        }
    }
}

TEST_CASE("equal numbers have the same sortable bytes") {
    for (const auto& cell : ascending()) {
        CAPTURE(cell);
        const Decimal value = number(cell);
        const Decimal longer = value.padded(value.scale() + 25);
        CHECK(compare(value, longer) == 0);
        CHECK(sortable(value) == sortable(longer));
        // A sum that stays large.
        Decimal moved = value;
        moved.add(number("1e50"));
        moved.add(number("-1e50"));
        CHECK(sortable(moved) == sortable(value));
    }
    CHECK(sortable(number("1")) == sortable(number("10e-1")));
    CHECK(sortable(number("-0.0")) == sortable(number("0")));
    CHECK(sortable(number("100")).size() == 2);
}

TEST_CASE("sortable bytes and states are read again, and no byte after them") {
    for (const auto& cell : ascending()) {
        CAPTURE(cell);
        const Decimal value = number(cell);
        const std::string bytes = sortable(value) + "next";
        Bytes rest = bytes;
        const Decimal read = Decimal::take_sortable(rest);
        CHECK(rest == "next");
        CHECK(text(read) == text(value.trimmed(0)));

        const Decimal padded = value.padded(value.scale() + 3);
        std::string state;
        padded.append_state(state);
        state += "next";
        rest = state;
        CHECK(text(Decimal::take_state(rest)) == text(padded));
        CHECK(rest == "next");
    }
}

TEST_CASE("damaged bytes are refused, or are another number") {
    std::mt19937 random(3);
    for (const auto& cell : ascending()) {
        CAPTURE(cell);
        std::string state;
        number(cell).append_state(state);
        const std::string bytes = sortable(number(cell));
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            Bytes cut = Bytes(bytes).substr(0, size);
            CHECK_THROWS_AS(Decimal::take_sortable(cut), StateError);
        }
        for (std::size_t size = 0; size < state.size(); ++size) {
            Bytes cut = Bytes(state).substr(0, size);
            CHECK_THROWS_AS(Decimal::take_state(cut), StateError);
        }
        for (int i = 0; i < 50; ++i) {
            std::string damaged = bytes;
            damaged[random() % damaged.size()] = static_cast<char>(random());
            Bytes rest = damaged;
            try {
                // What is read is a number like any other.
                const Decimal read = Decimal::take_sortable(rest);
                CHECK(compare(read, read.trimmed(0)) == 0);
            } catch (const StateError&) {
            }
        }
    }
}

TEST_CASE("bytes that name a larger number than a file can have are refused") {
    CHECK(Decimal::most_decimals == record_limit + max_exponent);
    // What the encoding of numbers from 10^19 on, and below 10^-18, begins with.
    const auto sortable_of = [](std::int64_t exponent) {
        std::string bytes(1, static_cast<char>(exponent > 0 ? 0x8a : 0x81));
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes += static_cast<char>((exponent + (std::int64_t{1} << 27)) >> shift);
        }
        return bytes + '\x14';  // The digit 1.
    };
    const std::int64_t most = Decimal::most_decimals;
    for (const std::int64_t exponent : {most, 20L, -18L, 1 - most}) {
        CAPTURE(exponent);
        const std::string bytes = sortable_of(exponent);
        Bytes rest = bytes;
        const Decimal read = Decimal::take_sortable(rest);
        CHECK(rest.empty());
        CHECK(sortable(read) == bytes);
    }
    for (const std::int64_t exponent : {most + 1, std::int64_t{1} << 27, -most, 1 - (1L << 27)}) {
        CAPTURE(exponent);
        const std::string bytes = sortable_of(exponent);
        Bytes rest = bytes;
        CHECK_THROWS_AS(Decimal::take_sortable(rest), StateError);
    }
    std::string state;
    Decimal(1, Decimal::most_decimals).append_state(state);
    Bytes rest = state;
    CHECK(Decimal::take_state(rest).scale() == Decimal::most_decimals);
    state.clear();
    Decimal(1, Decimal::most_decimals + 1).append_state(state);
    rest = state;
    CHECK_THROWS_AS(Decimal::take_state(rest), StateError);
}

TEST_CASE("copies and moves own their digits") {
    Decimal a = number("1e30");
    Decimal b = a;
    b.add(number("1"));
    CHECK(text(a) == "1" + std::string(30, '0'));
    a = b;
    CHECK(compare(a, b) == 0);
    const Decimal moved = std::move(b);
    CHECK(compare(a, moved) == 0);
    CHECK(a.heap_bytes() > 0);
    a.set(5, 1);
    CHECK(text(a) == "0.5");
    CHECK(a.heap_bytes() == 0);
}

TEST_CASE("large integers are scaled by powers of ten") {
    BigDecimal value = BigDecimal::of_digits(false, "123456789012345678901234567890", 0);
    value.multiply_by_power(25);
    CHECK(value.digit_count() == 55);
    CHECK(value.trailing_zeros() == 26);
    value.divide_by_power(30);
    std::string digits;
    value.append_digits(digits);
    CHECK(digits == "1234567890123456789012345");
    CHECK(value.divide(1000) == 345);
}
