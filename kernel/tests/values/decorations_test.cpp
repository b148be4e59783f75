#include "values/decorations.hpp"

#include <doctest/doctest.h>

#include <string>

#include "values/notation.hpp"

using namespace csvmill;

namespace {

constexpr Notation all{'.', 0, {true, true, true}};

std::string read(Bytes cell, const Notation& notation) {
    Decimal number;
    if (!read_number(cell, notation, number)) return "none";
    std::string text;
    number.append_text(text);
    return text;
}

}  // namespace

TEST_CASE("currencies, percent signs and parentheses are removed from numbers") {
    for (const char* cell : {"$5", "5$", "$ 5", "5 €", "5\u00a0€", "€\u202f5", "EUR 5", "5 CHF",
                             "+$5", "$+5", "US$5", "5zł", "5%", "5 %", "+5\u00a0%", "5"}) {
        CAPTURE(cell);
        CHECK(read(cell, all) == "5");
    }
    for (const char* cell : {"-$5", "$-5", "-5 €", "(5)", "($5)", "$(5)", "(5 €)", "(5) €", "(5%)",
                             "(5)%", "-5%", "-5"}) {
        CAPTURE(cell);
        CHECK(read(cell, all) == "-5");
    }
    CHECK(read("1.234,50 €", {',', '.', {true, false, false}}) == "1234.50");
}

TEST_CASE("contradictions are no numbers") {
    for (const char* cell :
         {"",    "$",     "%",     "()",  "(",    "5)",   "(-5)", "(+5)", "-(5)",
          "--5", "$5$",   "$5%",   "%5",  "5%%",  "5  €", "$  5", "5 kg", "XAU 5",
          "5¢",  "eur 5", "((5))", "- 5", "-$-5", "€€5",  "$(-5)"}) {
        CAPTURE(cell);
        CHECK(read(cell, all) == "none");
    }
}

TEST_CASE("only what is allowed is removed") {
    CHECK(read("$5", {'.', 0, {false, true, true}}) == "none");
    CHECK(read("5%", {'.', 0, {true, false, true}}) == "none");
    CHECK(read("(5)", {'.', 0, {true, true, false}}) == "none");
    CHECK(read("($5)", {'.', 0, {true, true, false}}) == "none");
    Decimal number;
    CHECK(!read_integer("5.5%", all, number));
    CHECK(read_integer("(5)", all, number));
}

TEST_CASE("hints name what would have to be declared") {
    const auto of = [](Bytes cell, const Notation& notation) {
        return hint(Kind::number, cell, notation);
    };
    CHECK(of("$5", {}) == "input.number.currency to true");
    CHECK(of("(5)%", {}) ==
          "input.number.percent to true and input.number.parentheses to 'negative'");
    CHECK(of("1,50 €", {}) == "input.decimal to ',' and input.number.currency to true");
    CHECK(of("1,50 €", {'.', 0, {true, false, false}}) == "input.decimal to ','");
    CHECK(of("5 kg", {}).empty());
    CHECK(of("(-5)", {}).empty());
    CHECK(hint(Kind::integer, "5.5%", {}).empty());
}
