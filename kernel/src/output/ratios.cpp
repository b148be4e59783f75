#include "output/ratios.hpp"

#include <algorithm>

#include "text/error.hpp"
#include "values/decimal.hpp"
#include "values/notation.hpp"

namespace csvmill {

namespace {

/// The decimals that a ratio has at most in addition to those of its numbers.
constexpr std::uint32_t extra_decimals = 6;

Decimal number_in(const std::string& cell) {
    Decimal number;
    if (!read_number(cell, Notation(), number)) {
        throw StateError("a ratio divides a result that is not a number");
    }
    if (number.is_long()) {
        throw MalformedInput("a ratio cannot divide a number of more than " +
                             std::to_string(Decimal::longest_factor) + " digits or decimals");
    }
    return number;
}

/// Nothing if one of both is missing, or the divisor is zero.
std::string ratio_of(const std::string& above, const std::string& below) {
    std::string text;
    if (above.empty() || below.empty()) return text;
    const Decimal dividend = number_in(above);
    const Decimal divisor = number_in(below);
    if (divisor.is_zero()) return text;
    const std::uint32_t decimals = std::max(dividend.scale(), divisor.scale());
    Decimal::quotient(dividend, divisor, decimals + extra_decimals)
        .trimmed(decimals)
        .append_text(text);
    return text;
}

}  // namespace

Ratios::Ratios(const Query& query) {
    const std::size_t first = query.group_by.size();
    for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
        const Aggregate& aggregate = query.aggregates[i];
        if (aggregate.function != Function::ratio) continue;
        ratios_.push_back({first + i, first + aggregate.of[0], first + aggregate.of[1]});
    }
}

void Ratios::compute(std::vector<std::string>& row) const {
    for (const Ratio& ratio : ratios_) {
        row[ratio.column] = ratio_of(row[ratio.above], row[ratio.below]);
    }
}

}  // namespace csvmill
