/// Numbers as bytes: sortable, and for state files.
///
/// The sortable encoding of a positive number is a byte for its form, then
/// - `form_mid + n`, n = 1 to 8: n bytes of `2 * integral part + has a fraction`, big-endian,
///   without leading zero bytes; then the decimals, if it has any;
/// - `form_tiny` (less than 10^-18) and `form_huge` (2^63 and more): four bytes of the exponent of
///   ten of 0.d1d2d3..., biased, big-endian; then the digits d1d2d3...
///
/// Digits are in pairs without zeros at the end: a byte `2 * pair + 1`, or `2 * pair` for the last
/// one. A negative number has the complement of each byte of its absolute value. Zero is one byte.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "text/error.hpp"
#include "values/big_decimal.hpp"
#include "values/decimal.hpp"

namespace csvmill {

namespace {

constexpr unsigned form_zero = 0x80;
constexpr unsigned form_tiny = 0x81;
constexpr unsigned form_mid = 0x81;
constexpr unsigned form_huge = 0x8a;

/// Numbers less than 10^tiny_exponent are tiny.
constexpr std::int64_t tiny_exponent = -18;
/// Exponents are written with this added; all of them are well below it.
constexpr std::int64_t exponent_bias = 1 << 27;
constexpr std::int64_t most_digits = Decimal::most_decimals;
static_assert(most_digits < exponent_bias);
constexpr std::uint64_t integral_limit = std::uint64_t{1} << 63;

[[noreturn]] void refuse() { throw StateError("a number in a state file is damaged"); }

/// A form, and `bytes` low bytes of `value`, big-endian.
void append_form(std::string& to, unsigned form, std::uint64_t value, unsigned bytes) {
    std::array<char, 9> text{};
    text[0] = static_cast<char>(form);
    const std::uint64_t swapped = __builtin_bswap64(value << (64 - 8 * bytes));
    std::memcpy(&text[1], &swapped, sizeof swapped);
    to.append(text.data(), 1 + bytes);
}

void append_integral(std::string& to, std::uint64_t integral, bool fraction) {
    const std::uint64_t value = integral << 1 | (fraction ? 1 : 0);
    const auto bytes = static_cast<unsigned>(8 - std::countl_zero(value) / 8);
    append_form(to, form_mid + bytes, value, bytes);
}

/// Appends digits in pairs: `leading` zeros, then `digits`, which do not end in zero.
void append_pairs(std::string& to, std::uint64_t leading, Bytes digits) {
    const std::uint64_t size = leading + digits.size();
    const auto digit = [&](std::uint64_t i) {
        return i < leading || i >= size ? 0 : static_cast<unsigned>(digits[i - leading] - '0');
    };
    for (std::uint64_t i = 0; i < size; i += 2) {
        const unsigned pair = digit(i) * 10 + digit(i + 1);
        to += static_cast<char>(2 * pair + (i + 2 < size ? 1 : 0));
    }
}

/// Appends `fraction` (> 0), the decimals of a number with `scale` decimals, up to 18.
void append_fraction(std::string& to, std::uint64_t fraction, std::uint32_t scale) {
    if (scale % 2 == 1) {
        fraction *= 10;
        ++scale;
    }
    std::uint32_t pairs = scale / 2;
    for (; fraction % 100 == 0; fraction /= 100) --pairs;
    std::array<char, limb_digits / 2> bytes{};
    for (std::uint32_t i = pairs; i-- > 0; fraction /= 100) {
        bytes[i] = static_cast<char>(2 * (fraction % 100) + (i + 1 < pairs ? 1 : 0));
    }
    to.append(bytes.data(), pairs);
}

/// Appends the encoding of a positive number 0.d1d2d3... * 10^exponent; the last digit is not zero.
void append_digits_sortable(std::string& to, Bytes digits, std::int64_t exponent) {
    std::uint64_t integral = 0;
    if (exponent > 0 && exponent <= 19) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(exponent); ++i) {
            const char digit = i < digits.size() ? digits[i] : '0';
            integral = integral * 10 + static_cast<std::uint64_t>(digit - '0');
        }
    }
    if (exponent > 19 || integral >= integral_limit || exponent <= tiny_exponent) {
        append_form(to, exponent > 0 ? form_huge : form_tiny,
                    static_cast<std::uint64_t>(exponent + exponent_bias), 4);
        append_pairs(to, 0, digits);
        return;
    }
    if (exponent > 0)
        digits.remove_prefix(std::min(digits.size(), static_cast<std::size_t>(exponent)));
    append_integral(to, integral, !digits.empty());
    append_pairs(to, exponent < 0 ? static_cast<std::uint64_t>(-exponent) : 0, digits);
}

void complement(std::string& text, std::size_t from) {
    for (std::size_t i = from; i < text.size(); ++i) text[i] = static_cast<char>(~text[i]);
}

/// Reads bytes of an encoding, complemented for a negative number.
class ByteReader {
public:
    ByteReader(Bytes& from, unsigned mask) : from_(from), mask_(mask) {}

    unsigned byte() {
        if (from_.empty()) refuse();
        const unsigned value = static_cast<unsigned char>(from_.front()) ^ mask_;
        from_.remove_prefix(1);
        return value;
    }

    std::uint64_t big_endian(unsigned bytes) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) value = value << 8 | byte();
        return value;
    }

    /// A pair of digits; `more` becomes whether another one follows.
    unsigned pair(bool& more) {
        const unsigned value = byte();
        more = value % 2 == 1;
        if (value / 2 > 99 || value == 0) refuse();
        return value / 2;
    }

    /// Appends digits that are in pairs, without a zero at the end.
    void pairs(std::string& to) {
        for (bool more = true; more;) {
            const unsigned pair = this->pair(more);
            to += static_cast<char>('0' + pair / 10);
            if (more || pair % 10 != 0) to += static_cast<char>('0' + pair % 10);
        }
    }

private:
    Bytes& from_;
    unsigned mask_;
};

void append_varint(std::string& to, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) to += static_cast<char>(0x80 | (value & 0x7f));
    to += static_cast<char>(value);
}

std::uint64_t take_varint(Bytes& from) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const unsigned byte = ByteReader(from, 0).byte();
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    refuse();
}

enum class StateForm : unsigned char { small, positive, negative };

}  // namespace

void Decimal::append_sortable(std::string& to) const {
    const std::size_t start = to.size();
    if (!is_big_ && scale_ <= limb_digits && small_ != std::numeric_limits<std::int64_t>::min()) {
        if (small_ == 0) {
            to += static_cast<char>(form_zero);
            return;
        }
        const auto value = static_cast<std::uint64_t>(small_ < 0 ? -small_ : small_);
        if (scale_ == 0) {
            append_integral(to, value, false);
        } else {
            const std::uint64_t fraction = value % powers_of_ten[scale_];
            append_integral(to, value / powers_of_ten[scale_], fraction != 0);
            if (fraction != 0) append_fraction(to, fraction, scale_);
        }
    } else {
        std::string digits;
        append_digits(digits);
        if (digits.empty()) {
            to += static_cast<char>(form_zero);
            return;
        }
        const std::int64_t exponent = static_cast<std::int64_t>(digits.size()) - scale_;
        digits.resize(digits.find_last_not_of('0') + 1);
        append_digits_sortable(to, digits, exponent);
    }
    if (is_negative()) complement(to, start);
}

Decimal Decimal::take_sortable(Bytes& from) {
    if (from.empty()) refuse();
    const bool negative = static_cast<unsigned char>(from.front()) < form_zero;
    ByteReader reader(from, negative ? 0xff : 0);
    const unsigned form = reader.byte();
    if (form == form_zero) return {};
    std::string digits;
    if (form == form_tiny || form == form_huge) {
        std::int64_t exponent = static_cast<std::int64_t>(reader.big_endian(4)) - exponent_bias;
        if (exponent > most_digits || exponent < -most_digits ||
            (form == form_tiny ? exponent > tiny_exponent : exponent < 19)) {
            refuse();
        }
        reader.pairs(digits);
        if (digits.front() == '0') refuse();
        exponent -= static_cast<std::int64_t>(digits.size());
        if (exponent < -most_digits) refuse();
        return of_digits(negative, digits, exponent);
    }
    if (form > form_mid + 8) refuse();
    const unsigned bytes = form - form_mid;
    const std::uint64_t value = reader.big_endian(bytes);
    if (value >> (8 * (bytes - 1)) == 0) refuse();
    const auto integral = static_cast<std::int64_t>(value >> 1);
    if (value % 2 == 0) {
        if (integral == 0) refuse();
        return {negative ? -integral : integral, 0};
    }
    // Up to 18 digits in all, as long as another pair leaves the mantissa below 10^18.
    constexpr std::int64_t short_limit = 10000000000000000;
    std::int64_t mantissa = integral;
    std::uint32_t scale = 0;
    const Bytes start = from;
    for (bool more = true; more && mantissa < short_limit;) {
        const unsigned pair = reader.pair(more);
        const bool single = !more && pair % 10 == 0;
        mantissa = single ? mantissa * 10 + pair / 10 : mantissa * 100 + pair;
        scale += single ? 1 : 2;
        if (!more) return {negative ? -mantissa : mantissa, scale};
    }
    from = start;
    digits = std::to_string(integral);
    const std::size_t integral_size = digits.size();
    reader.pairs(digits);
    return of_digits(
        negative, digits,
        static_cast<std::int64_t>(integral_size) - static_cast<std::int64_t>(digits.size()));
}

void Decimal::append_state(std::string& to) const {
    const auto form = !is_big_           ? StateForm::small
                      : big_->negative() ? StateForm::negative
                                         : StateForm::positive;
    std::int64_t value = small_;
    if (form == StateForm::small || big_->fits(value)) {
        to += static_cast<char>(StateForm::small);
        append_varint(to, scale_);
        const auto bits = static_cast<std::uint64_t>(value);
        append_varint(to, bits << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
        return;
    }
    to += static_cast<char>(form);
    append_varint(to, scale_);
    append_varint(to, big_->limbs().size());
    big_->append_limbs(to);
}

Decimal Decimal::take_state(Bytes& from) {
    const unsigned form = ByteReader(from, 0).byte();
    const std::uint64_t scale = take_varint(from);
    if (form > static_cast<unsigned>(StateForm::negative) || scale > most_decimals) {
        refuse();
    }
    if (form == static_cast<unsigned>(StateForm::small)) {
        const std::uint64_t bits = take_varint(from);
        return {static_cast<std::int64_t>(bits >> 1 ^ (0 - (bits & 1))),
                static_cast<std::uint32_t>(scale)};
    }
    BigDecimal number;
    const std::uint64_t count = take_varint(from);
    if (!number.take_limbs(from, count, form == static_cast<unsigned>(StateForm::negative)))
        refuse();
    return of_big(std::move(number), static_cast<std::uint32_t>(scale));
}

}  // namespace csvmill
