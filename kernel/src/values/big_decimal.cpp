#include "values/big_decimal.hpp"

#include <algorithm>
#include <cstring>

namespace csvmill {

namespace {

/// Appends `value` (< 10^18) to `to` in exactly 18 digits.
void append_limb(std::string& to, std::uint64_t value) {
    std::array<char, limb_digits> digits;
    for (std::size_t i = limb_digits; i-- > 0; value /= 10) {
        digits[i] = static_cast<char>('0' + value % 10);
    }
    to.append(digits.data(), digits.size());
}

std::uint64_t parse(Bytes digits) {
    std::uint64_t value = 0;
    for (const char digit : digits) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    return value;
}

/// The limbs of `other * 10^power`, where power < 18.
std::vector<std::uint64_t> multiplied(std::span<const std::uint64_t> other, std::uint64_t power) {
    std::vector<std::uint64_t> product;
    product.reserve(other.size() + 1);
    std::uint64_t carry = 0;
    for (const std::uint64_t limb : other) {
        const Wide wide = static_cast<Wide>(limb) * powers_of_ten[power] + carry;
        carry = static_cast<std::uint64_t>(wide / limb_base);
        product.push_back(static_cast<std::uint64_t>(wide % limb_base));
    }
    if (carry != 0) product.push_back(carry);
    return product;
}

}  // namespace

BigDecimal::BigDecimal(SignedWide value) : negative_(value < 0) {
    Wide rest = negative_ ? -static_cast<Wide>(value) : static_cast<Wide>(value);
    for (; rest != 0; rest /= limb_base) {
        limbs_.push_back(static_cast<std::uint64_t>(rest % limb_base));
    }
}

BigDecimal BigDecimal::of_digits(bool negative, Bytes digits, std::uint64_t zeros) {
    BigDecimal number;
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.empty()) return number;
    number.negative_ = negative;
    number.limbs_.reserve((digits.size() + zeros) / limb_digits + 1);
    number.limbs_.resize(zeros / limb_digits);
    const std::size_t shift = zeros % limb_digits;
    const auto take = [&](std::size_t count) {
        count = std::min(count, digits.size());
        const std::uint64_t value = parse(digits.substr(digits.size() - count));
        digits.remove_suffix(count);
        return value;
    };
    number.limbs_.push_back(take(limb_digits - shift) * powers_of_ten[shift]);
    while (!digits.empty()) number.limbs_.push_back(take(limb_digits));
    number.normalize();
    return number;
}

std::uint64_t BigDecimal::digit_count() const {
    if (limbs_.empty()) return 0;
    const auto greater =
        std::upper_bound(powers_of_ten.begin(), powers_of_ten.end(), limbs_.back());
    return (limbs_.size() - 1) * limb_digits +
           static_cast<std::uint64_t>(greater - powers_of_ten.begin());
}

std::uint64_t BigDecimal::trailing_zeros() const {
    std::uint64_t zeros = 0;
    for (std::uint64_t limb : limbs_) {
        if (limb == 0) {
            zeros += limb_digits;
            continue;
        }
        for (; limb % 10 == 0; limb /= 10) ++zeros;
        break;
    }
    return zeros;
}

bool BigDecimal::fits(std::int64_t& to) const {
    if (limbs_.size() > 2) return false;
    Wide magnitude = 0;
    for (std::size_t i = limbs_.size(); i-- > 0;) magnitude = magnitude * limb_base + limbs_[i];
    constexpr std::uint64_t greatest = std::uint64_t{1} << 63;
    if (magnitude > greatest || (magnitude == greatest && !negative_)) return false;
    const auto bits = static_cast<std::uint64_t>(magnitude);
    to = static_cast<std::int64_t>(negative_ ? 0 - bits : bits);
    return true;
}

void BigDecimal::add(const BigDecimal& other, std::uint64_t power) {
    const std::uint64_t shift = power % limb_digits;
    const std::size_t offset = power / limb_digits;
    if (shift != 0 || &other == this) {
        add_shifted(multiplied(other.limbs_, shift), other.negative_, offset);
    } else {
        add_shifted(other.limbs_, other.negative_, offset);
    }
}

void BigDecimal::add(std::int64_t other, std::uint64_t power) {
    const bool negative = other < 0;
    const auto bits = static_cast<std::uint64_t>(other);
    Wide rest = static_cast<Wide>(negative ? 0 - bits : bits) * powers_of_ten[power % limb_digits];
    std::array<std::uint64_t, 3> limbs{};
    std::size_t size = 0;
    for (; rest != 0; rest /= limb_base)
        limbs[size++] = static_cast<std::uint64_t>(rest % limb_base);
    add_shifted(Limbs(limbs).first(size), negative, power / limb_digits);
}

std::strong_ordering BigDecimal::compare_magnitude(const BigDecimal& other) const {
    return compare_shifted(other.limbs_, 0);
}

void BigDecimal::multiply_by_power(std::uint64_t power) {
    if (limbs_.empty()) return;
    if (power % limb_digits != 0) limbs_ = multiplied(limbs_, power % limb_digits);
    limbs_.insert(limbs_.begin(), power / limb_digits, 0);
}

void BigDecimal::divide_by_power(std::uint64_t power) {
    const std::size_t whole = std::min<std::size_t>(power / limb_digits, limbs_.size());
    limbs_.erase(limbs_.begin(), limbs_.begin() + static_cast<std::ptrdiff_t>(whole));
    if (power % limb_digits != 0) divide(powers_of_ten[power % limb_digits]);
    normalize();
}

std::uint64_t BigDecimal::divide(std::uint64_t divisor) {
    std::uint64_t rest = 0;
    for (std::size_t i = limbs_.size(); i-- > 0;) {
        const Wide wide = static_cast<Wide>(rest) * limb_base + limbs_[i];
        limbs_[i] = static_cast<std::uint64_t>(wide / divisor);
        rest = static_cast<std::uint64_t>(wide % divisor);
    }
    const bool negative = negative_;
    normalize();
    // The sign of a quotient of zero matters if it is incremented.
    negative_ = negative;
    return rest;
}

void BigDecimal::increment_magnitude() {
    constexpr std::array<std::uint64_t, 1> one = {1};
    add_magnitude(one, 0);
}

void BigDecimal::append_digits(std::string& to) const {
    if (limbs_.empty()) return;
    to.reserve(to.size() + limbs_.size() * limb_digits);
    to += std::to_string(limbs_.back());
    for (std::size_t i = limbs_.size() - 1; i-- > 0;) append_limb(to, limbs_[i]);
}

void BigDecimal::append_limbs(std::string& to) const {
    const std::size_t size = to.size();
    to.resize(size + limbs_.size() * sizeof(std::uint64_t));
    if (!limbs_.empty()) {
        std::memcpy(&to[size], limbs_.data(), limbs_.size() * sizeof(std::uint64_t));
    }
}

bool BigDecimal::take_limbs(Bytes& from, std::uint64_t count, bool negative) {
    if (count == 0 || count > from.size() / sizeof(std::uint64_t)) return false;
    limbs_.resize(count);
    std::memcpy(limbs_.data(), from.data(), count * sizeof(std::uint64_t));
    from.remove_prefix(count * sizeof(std::uint64_t));
    negative_ = negative;
    return limbs_.back() != 0 &&
           std::all_of(limbs_.begin(), limbs_.end(), [](auto limb) { return limb < limb_base; });
}

void BigDecimal::add_shifted(Limbs other, bool negative, std::size_t offset) {
    if (other.empty()) return;
    if (limbs_.empty()) negative_ = negative;
    if (negative_ == negative) {
        add_magnitude(other, offset);
    } else if (compare_shifted(other, offset) >= 0) {
        subtract_magnitude(other, offset);
    } else {
        subtract_from(other, offset);
        negative_ = negative;
    }
}

std::strong_ordering BigDecimal::compare_shifted(Limbs other, std::size_t offset) const {
    if (other.empty())
        return limbs_.empty() ? std::strong_ordering::equal : std::strong_ordering::greater;
    if (limbs_.size() != other.size() + offset) return limbs_.size() <=> other.size() + offset;
    for (std::size_t i = other.size(); i-- > 0;) {
        if (limbs_[i + offset] != other[i]) return limbs_[i + offset] <=> other[i];
    }
    const bool more =
        std::any_of(limbs_.begin(), limbs_.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](auto limb) { return limb != 0; });
    return more ? std::strong_ordering::greater : std::strong_ordering::equal;
}

void BigDecimal::add_magnitude(Limbs other, std::size_t offset) {
    if (limbs_.size() < other.size() + offset) limbs_.resize(other.size() + offset);
    std::uint64_t carry = 0;
    std::size_t at = offset;
    for (const std::uint64_t limb : other) {
        const std::uint64_t sum = limbs_[at] + limb + carry;
        carry = sum >= limb_base ? 1 : 0;
        limbs_[at++] = carry != 0 ? sum - limb_base : sum;
    }
    for (; carry != 0 && at < limbs_.size(); ++at) {
        carry = limbs_[at] == limb_base - 1 ? 1 : 0;
        limbs_[at] = carry != 0 ? 0 : limbs_[at] + 1;
    }
    if (carry != 0) limbs_.push_back(1);
}

/// `other`, shifted, is not greater than this.
void BigDecimal::subtract_magnitude(Limbs other, std::size_t offset) {
    std::uint64_t borrow = 0;
    std::size_t at = offset;
    for (const std::uint64_t limb : other) {
        const std::uint64_t take = limb + borrow;
        borrow = limbs_[at] < take ? 1 : 0;
        limbs_[at] += (borrow != 0 ? limb_base : 0) - take;
        ++at;
    }
    for (; borrow != 0; ++at) {
        borrow = limbs_[at] == 0 ? 1 : 0;
        limbs_[at] = borrow != 0 ? limb_base - 1 : limbs_[at] - 1;
    }
    normalize();
}

/// `other`, shifted, is greater than this.
void BigDecimal::subtract_from(Limbs other, std::size_t offset) {
    limbs_.resize(other.size() + offset);
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
        const std::uint64_t from = i < offset ? 0 : other[i - offset];
        const std::uint64_t take = limbs_[i] + borrow;
        borrow = from < take ? 1 : 0;
        limbs_[i] = from + (borrow != 0 ? limb_base : 0) - take;
    }
    normalize();
}

void BigDecimal::normalize() {
    while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
    if (limbs_.empty()) negative_ = false;
}

}  // namespace csvmill
