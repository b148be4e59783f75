/// Exact decimal numbers of any size.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "text/bytes.hpp"

namespace csvmill {

class BigDecimal;

/// A number `mantissa * 10^-scale`, exact, of any size. 16 bytes; large ones own memory.
///
/// The scale, its number of decimals, is part of the value as in Python's `Decimal`: 1.0 and 1 are
/// equal, but have scales 1 and 0. It is never negative.
class Decimal {
public:
    /// The most decimals of a number of a file, and the most digits before its point: a cell has up
    /// to 64 MiB (`record_limit`), and an exponent up to 400 (`max_exponent`).
    static constexpr std::uint32_t most_decimals = (std::uint32_t{64} << 20) + 400;

    Decimal() = default;
    Decimal(std::int64_t mantissa, std::uint32_t scale) : small_(mantissa), scale_(scale) {}
    Decimal(Decimal&& other) noexcept { swap(other); }
    Decimal& operator=(Decimal&& other) noexcept {
        swap(other);
        return *this;
    }
    Decimal(const Decimal& other);
    Decimal& operator=(const Decimal& other);
    ~Decimal() {
        if (is_big_) free_big();
    }

    /// The number of `sign`, `digits` (only 0-9, at least one) and 10^`exponent`, with the scale
    /// `max(0, -exponent)`.
    static Decimal of_digits(bool negative, Bytes digits, std::int64_t exponent);

    /// Makes it a small number.
    void set(std::int64_t mantissa, std::uint32_t scale) {
        if (is_big_) free_big();
        small_ = mantissa;
        scale_ = scale;
        is_big_ = false;
    }

    bool is_big() const { return is_big_; }
    std::int64_t small() const { return small_; }  ///< The mantissa, unless `is_big()`.
    std::uint32_t scale() const { return scale_; }
    std::size_t heap_bytes() const { return is_big_ ? big_bytes() : 0; }

    /// Adds exactly; the scale becomes the greater of both.
    void add(const Decimal& other) {
        std::int64_t sum = 0;
        if (!is_big_ && !other.is_big_ && scale_ == other.scale_ &&
            !__builtin_add_overflow(small_, other.small_, &sum)) {
            small_ = sum;
        } else {
            add_slowly(other);
        }
    }

    /// Subtracts exactly; the scale becomes the greater of both.
    void subtract(const Decimal& other) {
        std::int64_t difference = 0;
        if (!is_big_ && !other.is_big_ && scale_ == other.scale_ &&
            !__builtin_sub_overflow(small_, other.small_, &difference)) {
            small_ = difference;
        } else {
            add_slowly(other.negated());
        }
    }

    Decimal negated() const;

    /// The exact product; its scale is the sum of both.
    static Decimal product(const Decimal& a, const Decimal& b) {
        std::int64_t product = 0;
        if (!a.is_big_ && !b.is_big_ && !__builtin_mul_overflow(a.small_, b.small_, &product)) {
            return {product, a.scale_ + b.scale_};
        }
        return product_slowly(a, b);
    }

    /// `a / b`, rounded half to even to `decimals` decimals; `b` is not zero.
    static Decimal quotient(const Decimal& a, const Decimal& b, std::uint32_t decimals);

    /// The square root of `a / b`, rounded half to even to `decimals` decimals. `a` is not
    /// negative, `b` is positive.
    static Decimal root_of_quotient(const Decimal& a, const Decimal& b, std::uint32_t decimals);

    /// Whether the number has more than `longest_factor` digits or decimals. The time of a
    /// product grows with the square of its size, so that longer numbers are not multiplied.
    bool is_long() const {
        return scale_ > longest_factor || (is_big_ && digit_count() > longest_factor);
    }
    static constexpr std::uint32_t longest_factor = 1000;

    bool is_zero() const;

    /// Compares values; scales do not matter.
    friend std::strong_ordering compare(const Decimal& a, const Decimal& b) {
        if (!a.is_big_ && !b.is_big_ && a.scale_ == b.scale_) return a.small_ <=> b.small_;
        return compare_slowly(a, b);
    }

    /// The mean of `count` (> 0) numbers whose sum this is: rounded half to even to `scale() +
    /// extra` decimals, trailing zeros beyond `scale()` decimals removed.
    Decimal mean(std::uint64_t count, std::uint32_t extra) const;

    /// Half of it, with one more decimal if needed (`trimmed` to `scale()` decimals).
    Decimal half() const;

    /// With at least `scale` decimals.
    Decimal padded(std::uint32_t scale) const;

    /// Without trailing zeros beyond `scale` decimals, and at least so many decimals.
    Decimal trimmed(std::uint32_t scale) const;

    /// Appends digits with a point and `scale()` decimals; no exponent; zero has no sign.
    void append_text(std::string& to) const;

    /// Appends bytes that sort (memcmp) as the numbers do, no encoding a prefix of another one.
    /// Equal numbers give equal bytes, so the scale is not kept.
    void append_sortable(std::string& to) const;

    /// Reads what `append_sortable` wrote at the start of `from`, and removes it. The scale is the
    /// least possible. Throws StateError if the bytes are not such an encoding, or no
    /// number of a file: a few bytes could name one of any size.
    static Decimal take_sortable(Bytes& from);

    /// Appends value and scale for a state file; `take_state` reads them, with up to
    /// `most_decimals`.
    void append_state(std::string& to) const;
    static Decimal take_state(Bytes& from);

private:
    /// Small, if the number fits.
    static Decimal of_big(BigDecimal&& number, std::uint32_t scale);
    static Decimal product_slowly(const Decimal& a, const Decimal& b);
    BigDecimal to_big() const;
    Decimal without_zeros(std::uint64_t zeros) const;
    std::uint64_t trailing_zeros() const;
    bool is_negative() const;
    /// The digits of the mantissa without sign and leading zeros; nothing for zero.
    void append_digits(std::string& to) const;
    std::uint64_t digit_count() const;

    void swap(Decimal& other) noexcept {
        std::swap(small_, other.small_);
        std::swap(scale_, other.scale_);
        std::swap(is_big_, other.is_big_);
    }
    void free_big() noexcept;
    std::size_t big_bytes() const;
    void add_slowly(const Decimal& other);
    static std::strong_ordering compare_slowly(const Decimal& a, const Decimal& b);

    union {
        std::int64_t small_ = 0;
        BigDecimal* big_;
    };
    std::uint32_t scale_ = 0;
    bool is_big_ = false;
};

static_assert(sizeof(Decimal) == 16);

}  // namespace csvmill
