/// Products, quotients and square roots of decimals.

#include <cmath>
#include <limits>

#include "values/big_decimal.hpp"
#include "values/decimal.hpp"

namespace csvmill {

namespace {

constexpr std::uint64_t fast_power = 19;

/// The magnitude, if it has up to 36 digits.
bool to_wide(const BigDecimal& number, Wide& to) {
    const auto& limbs = number.limbs();
    if (limbs.size() > 2) return false;
    to = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) to = to * limb_base + limbs[i];
    return true;
}

bool multiply(Wide& value, std::uint64_t power) {
    return power <= fast_power &&
           !__builtin_mul_overflow(value, Wide{powers_of_ten[power]}, &value);
}

/// A fraction of two integers that are not negative: `above / below`.
struct Fraction {
    BigDecimal above;
    BigDecimal below;
    std::uint64_t above_power = 0;  ///< Of ten, by which it is multiplied.
    std::uint64_t below_power = 0;

    /// `a / b * 10^decimals`.
    Fraction(BigDecimal a, std::uint32_t a_scale, BigDecimal b, std::uint32_t b_scale,
             std::uint64_t decimals)
        : above(std::move(a)), below(std::move(b)) {
        const std::uint64_t up = decimals + b_scale;
        if (up >= a_scale) {
            above_power = up - a_scale;
        } else {
            below_power = a_scale - up;
        }
    }

    bool to_wides(Wide& a, Wide& b) const {
        return to_wide(above, a) && to_wide(below, b) && multiply(a, above_power) &&
               multiply(b, below_power);
    }

    void multiply_out() {
        above.multiply_by_power(above_power);
        below.multiply_by_power(below_power);
    }
};

/// Twice `rest` in comparison with `divisor`.
std::strong_ordering twice_against(BigDecimal rest, const BigDecimal& divisor) {
    rest.add(BigDecimal(rest), 0);
    return rest.compare_magnitude(divisor);
}

bool is_odd(const BigDecimal& number) {
    return !number.is_zero() && number.limbs().front() % 2 == 1;
}

/// The square root, rounded down, of a value below 2^125.
std::uint64_t root_of(Wide value) {
    auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<long double>(value)));
    while (static_cast<Wide>(root) * root > value) --root;
    while (static_cast<Wide>(root + 1) * (root + 1) <= value) ++root;
    return root;
}

constexpr Wide root_limit = Wide{1} << 125U;
constexpr auto most_small = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());

}  // namespace

bool Decimal::is_zero() const { return !is_big_ && small_ == 0; }

Decimal Decimal::negated() const {
    if (!is_big_ && small_ != std::numeric_limits<std::int64_t>::min()) return {-small_, scale_};
    BigDecimal number = to_big();
    number.negate();
    return of_big(std::move(number), scale_);
}

Decimal Decimal::product_slowly(const Decimal& a, const Decimal& b) {
    return of_big(a.to_big().times(b.to_big()), a.scale_ + b.scale_);
}

Decimal Decimal::quotient(const Decimal& a, const Decimal& b, std::uint32_t decimals) {
    const bool negative = a.is_negative() != b.is_negative();
    Fraction fraction(a.to_big(), a.scale_, b.to_big(), b.scale_, decimals);
    Wide above = 0;
    Wide below = 0;
    if (fraction.to_wides(above, below)) {
        Wide whole = above / below;
        const Wide rest = above % below;
        const Wide other = below - rest;
        if (rest > other || (rest == other && whole % 2 == 1)) ++whole;
        if (whole <= most_small) {
            const auto value = static_cast<std::int64_t>(whole);
            return {negative ? -value : value, decimals};
        }
    }
    fraction.multiply_out();
    BigDecimal rest;
    BigDecimal whole = fraction.above.divided(fraction.below, rest);
    const auto half = twice_against(std::move(rest), fraction.below);
    if (half > 0 || (half == 0 && is_odd(whole))) whole.increment_magnitude();
    if (negative) whole.negate();
    return of_big(std::move(whole), decimals);
}

Decimal Decimal::root_of_quotient(const Decimal& a, const Decimal& b, std::uint32_t decimals) {
    Fraction fraction(a.to_big(), a.scale_, b.to_big(), b.scale_, 2 * std::uint64_t{decimals});
    Wide above = 0;
    Wide below = 0;
    if (fraction.to_wides(above, below) && above / below < root_limit) {
        const Wide whole = above / below;
        const Wide rest = above % below;
        std::uint64_t root = root_of(whole);
        // Half way between two roots: (root + 1/2)^2 = root^2 + root + 1/4.
        const Wide middle = static_cast<Wide>(root) * root + root;
        const Wide quarter = below / 4;
        const bool beyond = whole > middle || (whole == middle && rest > quarter);
        const bool half = whole == middle && rest == quarter && below % 4 == 0;
        if (beyond || (half && root % 2 == 1)) ++root;
        return {static_cast<std::int64_t>(root), decimals};
    }
    fraction.multiply_out();
    BigDecimal rest;
    const BigDecimal whole = fraction.above.divided(fraction.below, rest);
    BigDecimal root = whole.root();
    BigDecimal middle = root.times(root);
    middle.add(root, 0);
    BigDecimal twice = rest;
    twice.add(rest, 0);
    const auto order = whole.compare_magnitude(middle);
    const auto quarter = twice_against(std::move(twice), fraction.below);
    if (order > 0 || (order == 0 && (quarter > 0 || (quarter == 0 && is_odd(root))))) {
        root.increment_magnitude();
    }
    return of_big(std::move(root), decimals);
}

}  // namespace csvmill
