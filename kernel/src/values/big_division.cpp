/// Products, quotients and square roots of large integers.

#include <algorithm>
#include <utility>

#include "values/big_decimal.hpp"

namespace csvmill {

namespace {

using LimbVector = std::vector<std::uint64_t>;

/// Multiplies by `factor` (< 10^18), and appends the carry as one more limb, also if it is zero.
void scale(LimbVector& limbs, std::uint64_t factor) {
    std::uint64_t carry = 0;
    for (std::uint64_t& limb : limbs) {
        const Wide wide = static_cast<Wide>(limb) * factor + carry;
        carry = static_cast<std::uint64_t>(wide / limb_base);
        limb = static_cast<std::uint64_t>(wide % limb_base);
    }
    limbs.push_back(carry);
}

/// Subtracts `factor * divisor` from the limbs of `rest` from `at` on, one more than those of
/// `divisor`. Returns whether the difference is negative; then it is wrong by limb_base^n.
bool subtract_product(LimbVector& rest, std::size_t at, const LimbVector& divisor,
                      std::uint64_t factor) {
    std::uint64_t carry = 0;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i <= divisor.size(); ++i) {
        const Wide wide =
            (i < divisor.size() ? static_cast<Wide>(divisor[i]) * factor : Wide{0}) + carry;
        carry = static_cast<std::uint64_t>(wide / limb_base);
        const std::uint64_t take = static_cast<std::uint64_t>(wide % limb_base) + borrow;
        borrow = rest[at + i] < take ? 1 : 0;
        rest[at + i] += (borrow != 0 ? limb_base : 0) - take;
    }
    return borrow != 0;
}

void add_back(LimbVector& rest, std::size_t at, const LimbVector& divisor) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i <= divisor.size(); ++i) {
        const std::uint64_t sum = rest[at + i] + (i < divisor.size() ? divisor[i] : 0) + carry;
        carry = sum >= limb_base ? 1 : 0;
        rest[at + i] = carry != 0 ? sum - limb_base : sum;
    }
}

}  // namespace

BigDecimal BigDecimal::times(const BigDecimal& other) const {
    BigDecimal product;
    product.limbs_.resize(limbs_.size() + other.limbs_.size());
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < other.limbs_.size(); ++j) {
            const Wide wide =
                static_cast<Wide>(limbs_[i]) * other.limbs_[j] + product.limbs_[i + j] + carry;
            carry = static_cast<std::uint64_t>(wide / limb_base);
            product.limbs_[i + j] = static_cast<std::uint64_t>(wide % limb_base);
        }
        product.limbs_[i + other.limbs_.size()] = carry;
    }
    product.negative_ = negative_ != other.negative_;
    product.normalize();
    return product;
}

/// Long division, as in Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D.
BigDecimal BigDecimal::divided(const BigDecimal& divisor, BigDecimal& rest) const {
    BigDecimal quotient;
    if (divisor.limbs_.size() == 1) {
        quotient = *this;
        rest = BigDecimal(static_cast<SignedWide>(quotient.divide(divisor.limbs_.front())));
        quotient.negative_ = false;
        return quotient;
    }
    if (compare_magnitude(divisor) < 0) {
        rest = *this;
        rest.negative_ = false;
        return quotient;
    }
    // With a first limb of at least half the base, a guessed digit is too large by two at most.
    const std::uint64_t factor = limb_base / (divisor.limbs_.back() + 1);
    LimbVector by = divisor.limbs_;
    scale(by, factor);
    by.pop_back();
    LimbVector left = limbs_;
    scale(left, factor);
    const std::size_t size = by.size();
    quotient.limbs_.resize(left.size() - size);
    for (std::size_t at = left.size() - size; at-- > 0;) {
        const Wide top = static_cast<Wide>(left[at + size]) * limb_base + left[at + size - 1];
        Wide digit = top / by[size - 1];
        Wide over = top % by[size - 1];
        while (digit >= limb_base ||
               digit * by[size - 2] > over * limb_base + left[at + size - 2]) {
            --digit;
            over += by[size - 1];
            if (over >= limb_base) break;
        }
        auto limb = static_cast<std::uint64_t>(digit);
        if (subtract_product(left, at, by, limb)) {
            --limb;
            add_back(left, at, by);
        }
        quotient.limbs_[at] = limb;
    }
    quotient.normalize();
    rest = BigDecimal();
    rest.limbs_ = std::move(left);
    rest.normalize();
    rest.divide(factor);
    return quotient;
}

/// Newton's method, from above.
BigDecimal BigDecimal::root() const {
    if (limbs_.empty()) return {};
    BigDecimal root = of_digits(false, "1", digit_count() / 2 + 1);
    for (;;) {
        BigDecimal rest;
        BigDecimal next = divided(root, rest);
        next.add(root, 0);
        next.divide(2);
        if (next.compare_magnitude(root) >= 0) return root;
        root = std::move(next);
    }
}

}  // namespace csvmill
