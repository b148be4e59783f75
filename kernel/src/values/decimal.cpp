#include "values/decimal.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "values/big_decimal.hpp"

namespace csvmill {

namespace {

constexpr auto int64_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::uint64_t magnitude(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return value < 0 ? 0 - bits : bits;
}

std::uint64_t digits_of(std::uint64_t value) {
    const auto greater = std::upper_bound(powers_of_ten.begin(), powers_of_ten.end(), value);
    return static_cast<std::uint64_t>(greater - powers_of_ten.begin());
}

/// `value * 10^power` in 64 bits, if it fits.
bool multiply(std::int64_t value, std::uint64_t power, std::int64_t& to) {
    if (value == 0) {
        to = 0;
        return true;
    }
    return power <= limb_digits && !__builtin_mul_overflow(value, powers_of_ten[power], &to);
}

/// Appends a number with up to 18 decimals.
void append_short_text(std::string& to, std::int64_t mantissa, std::uint32_t scale) {
    std::array<char, 24> text{};
    std::size_t start = text.size();
    std::uint64_t rest = magnitude(mantissa);
    const auto put = [&] {
        text[--start] = static_cast<char>('0' + rest % 10);
        rest /= 10;
    };
    if (scale != 0) {
        for (std::uint32_t i = 0; i < scale; ++i) put();
        text[--start] = '.';
    }
    do put();
    while (rest != 0);
    if (mantissa < 0) text[--start] = '-';
    to.append(text.data() + start, text.size() - start);
}

}  // namespace

Decimal::Decimal(const Decimal& other) : small_(other.small_), scale_(other.scale_) {
    if (other.is_big_) {
        big_ = std::make_unique<BigDecimal>(*other.big_).release();
        is_big_ = true;
    }
}

Decimal& Decimal::operator=(const Decimal& other) {
    if (this != &other) {
        Decimal copy(other);
        swap(copy);
    }
    return *this;
}

void Decimal::free_big() noexcept {  // NOLINT(readability-make-member-function-const)
    std::unique_ptr<BigDecimal>{big_}.reset();
}

std::size_t Decimal::big_bytes() const { return sizeof(BigDecimal) + big_->heap_bytes(); }

Decimal Decimal::of_digits(bool negative, Bytes digits, std::int64_t exponent) {
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    const std::uint64_t zeros = exponent > 0 ? static_cast<std::uint64_t>(exponent) : 0;
    const auto scale = static_cast<std::uint32_t>(exponent < 0 ? -exponent : 0);
    if (digits.empty()) return {0, scale};
    if (digits.size() <= limb_digits && zeros <= limb_digits - digits.size()) {
        std::int64_t value = 0;
        for (const char digit : digits) value = value * 10 + (digit - '0');
        value *= static_cast<std::int64_t>(powers_of_ten[zeros]);
        return {negative ? -value : value, scale};
    }
    return of_big(BigDecimal::of_digits(negative, digits, zeros), scale);
}

Decimal Decimal::of_big(BigDecimal&& number, std::uint32_t scale) {
    Decimal result(0, scale);
    if (!number.fits(result.small_)) {
        result.big_ = std::make_unique<BigDecimal>(std::move(number)).release();
        result.is_big_ = true;
    }
    return result;
}

BigDecimal Decimal::to_big() const { return is_big_ ? *big_ : BigDecimal(small_); }

bool Decimal::is_negative() const { return is_big_ ? big_->negative() : small_ < 0; }

std::uint64_t Decimal::digit_count() const {
    return is_big_ ? big_->digit_count() : digits_of(magnitude(small_));
}

std::uint64_t Decimal::trailing_zeros() const {
    if (is_big_) return big_->trailing_zeros();
    std::uint64_t zeros = 0;
    for (std::int64_t rest = small_; rest != 0 && rest % 10 == 0; rest /= 10) ++zeros;
    return zeros;
}

void Decimal::append_digits(std::string& to) const {
    if (is_big_) {
        big_->append_digits(to);
    } else if (small_ != 0) {
        to += std::to_string(magnitude(small_));
    }
}

void Decimal::add_slowly(const Decimal& other) {
    const std::uint32_t scale = std::max(scale_, other.scale_);
    const std::uint32_t up = scale - scale_;
    const std::uint32_t other_up = scale - other.scale_;
    if (!is_big_ && !other.is_big_) {
        std::int64_t a = 0;
        std::int64_t b = 0;
        if (multiply(small_, up, a) && multiply(other.small_, other_up, b) &&
            !__builtin_add_overflow(a, b, &a)) {
            small_ = a;
            scale_ = scale;
            return;
        }
    }
    if (!is_big_) {
        big_ = std::make_unique<BigDecimal>(small_).release();
        is_big_ = true;
    }
    big_->multiply_by_power(up);
    scale_ = scale;
    if (other.is_big_) {
        big_->add(*other.big_, other_up);
    } else {
        big_->add(other.small_, other_up);
    }
}

std::strong_ordering Decimal::compare_slowly(const Decimal& a, const Decimal& b) {
    const std::uint64_t a_digits = a.digit_count();
    const std::uint64_t b_digits = b.digit_count();
    // -1, 0 or 1.
    const int a_sign = a_digits == 0 ? 0 : a.is_negative() ? -1 : 1;
    const int b_sign = b_digits == 0 ? 0 : b.is_negative() ? -1 : 1;
    if (a_sign != b_sign || a_sign == 0) return a_sign <=> b_sign;
    // Where the first digit is, relative to the decimal point.
    const auto a_top = static_cast<std::int64_t>(a_digits) - a.scale_;
    const auto b_top = static_cast<std::int64_t>(b_digits) - b.scale_;
    std::strong_ordering order = a_top <=> b_top;
    if (order == 0) {
        const std::uint32_t scale = std::max(a.scale_, b.scale_);
        if (!a.is_big_ && !b.is_big_) {
            // The first digits are in the same place, so the scales differ by at most 18.
            order = static_cast<Wide>(magnitude(a.small_)) * powers_of_ten[scale - a.scale_] <=>
                    static_cast<Wide>(magnitude(b.small_)) * powers_of_ten[scale - b.scale_];
        } else {
            BigDecimal left = a.to_big();
            BigDecimal right = b.to_big();
            left.multiply_by_power(scale - a.scale_);
            right.multiply_by_power(scale - b.scale_);
            order = left.compare_magnitude(right);
        }
    }
    return a_sign > 0 ? order : 0 <=> order;
}

Decimal Decimal::mean(std::uint64_t count, std::uint32_t extra) const {
    const auto rounds_up = [count](std::uint64_t rest, bool odd) {
        const std::uint64_t other_half = count - rest;
        return rest > other_half || (rest == other_half && odd);
    };
    if (!is_big_ && extra <= limb_digits) {
        const Wide total = static_cast<Wide>(magnitude(small_)) * powers_of_ten[extra];
        Wide quotient = total / count;
        if (rounds_up(static_cast<std::uint64_t>(total % count), quotient % 2 == 1)) ++quotient;
        std::uint32_t scale = scale_ + extra;
        for (; scale > scale_ && quotient % 10 == 0; --scale) quotient /= 10;
        if (quotient <= int64_max) {
            const auto value = static_cast<std::int64_t>(quotient);
            return {small_ < 0 ? -value : value, scale};
        }
    }
    BigDecimal quotient = to_big();
    quotient.multiply_by_power(extra);
    const std::uint64_t rest = quotient.divide(count);
    const bool odd = !quotient.is_zero() && quotient.limbs().front() % 2 == 1;
    if (rounds_up(rest, odd)) quotient.increment_magnitude();
    return of_big(std::move(quotient), scale_ + extra).trimmed(scale_);
}

Decimal Decimal::half() const { return mean(2, 1); }

Decimal Decimal::padded(std::uint32_t scale) const {
    if (scale <= scale_) return *this;
    std::int64_t value = 0;
    if (!is_big_ && multiply(small_, scale - scale_, value)) return {value, scale};
    BigDecimal number = to_big();
    number.multiply_by_power(scale - scale_);
    return of_big(std::move(number), scale);
}

Decimal Decimal::trimmed(std::uint32_t scale) const {
    if (scale_ <= scale) return padded(scale);
    if (digit_count() == 0) return {0, scale};
    return without_zeros(std::min<std::uint64_t>(trailing_zeros(), scale_ - scale));
}

/// Without `zeros` zeros at the end, which are decimals.
Decimal Decimal::without_zeros(std::uint64_t zeros) const {
    if (zeros == 0) return *this;
    const auto scale = static_cast<std::uint32_t>(scale_ - zeros);
    if (!is_big_) return {small_ / static_cast<std::int64_t>(powers_of_ten[zeros]), scale};
    BigDecimal number = *big_;
    number.divide_by_power(zeros);
    return of_big(std::move(number), scale);
}

void Decimal::append_text(std::string& to) const {
    if (!is_big_ && scale_ <= limb_digits) {
        append_short_text(to, small_, scale_);
        return;
    }
    const std::uint64_t digits = digit_count();
    if (is_negative()) to += '-';
    if (digits <= scale_) {
        to += '0';
        if (scale_ == 0) return;
        to += '.';
        to.append(scale_ - digits, '0');
        append_digits(to);
        return;
    }
    const std::size_t start = to.size();
    append_digits(to);
    if (scale_ != 0) to.insert(start + (digits - scale_), 1, '.');
}

}  // namespace csvmill
