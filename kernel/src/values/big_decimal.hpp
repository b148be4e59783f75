/// Integers of any size in base 10^18.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/bytes.hpp"

namespace csvmill {

// Not standard C++, but in both compilers.
__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

inline constexpr unsigned limb_digits = 18;

/// 10^0 to 10^19.
inline constexpr std::array<std::uint64_t, 20> powers_of_ten = [] {
    std::array<std::uint64_t, 20> powers{};
    std::uint64_t power = 1;
    for (auto& each : powers) {
        each = power;
        power *= 10;
    }
    return powers;
}();

inline constexpr std::uint64_t limb_base = powers_of_ten[limb_digits];

/// A large mantissa of a `Decimal`: a sign and limbs of 18 decimal digits, least significant first.
/// So scaling by powers of ten and the conversion from and to text take linear time.
class BigDecimal {
public:
    BigDecimal() = default;
    explicit BigDecimal(SignedWide value);

    /// The number `digits` (only 0-9), followed by `zeros` zeros.
    static BigDecimal of_digits(bool negative, Bytes digits, std::uint64_t zeros);

    bool negative() const { return negative_; }
    bool is_zero() const { return limbs_.empty(); }
    const std::vector<std::uint64_t>& limbs() const { return limbs_; }
    std::size_t heap_bytes() const { return limbs_.capacity() * sizeof(std::uint64_t); }
    std::uint64_t digit_count() const;     ///< 0 for zero.
    std::uint64_t trailing_zeros() const;  ///< 0 for zero.

    /// Whether it is an integer of 64 bits, which is then stored in `to`.
    bool fits(std::int64_t& to) const;

    /// Adds `other * 10^power`. The time depends on the size of `other`, unless a carry goes far.
    void add(const BigDecimal& other, std::uint64_t power);
    void add(std::int64_t other, std::uint64_t power);

    /// Compares without the sign.
    std::strong_ordering compare_magnitude(const BigDecimal& other) const;

    void multiply_by_power(std::uint64_t power);
    /// Divides by 10^power; the remainder is dropped.
    void divide_by_power(std::uint64_t power);
    /// Divides the magnitude by `divisor` (> 0), and returns the remainder.
    std::uint64_t divide(std::uint64_t divisor);
    /// Adds one to the magnitude, and keeps the sign.
    void increment_magnitude();

    void negate() { negative_ = !negative_ && !limbs_.empty(); }

    /// The product. The time grows with the product of both sizes; so it does for a quotient.
    BigDecimal times(const BigDecimal& other) const;
    /// The magnitude of the quotient, rounded down; `rest` becomes what is left of this one's
    /// magnitude. `divisor` is not zero.
    BigDecimal divided(const BigDecimal& divisor, BigDecimal& rest) const;
    /// The square root of the magnitude, rounded down.
    BigDecimal root() const;

    /// Appends the digits of the magnitude, without leading zeros; nothing for zero.
    void append_digits(std::string& to) const;

    /// For a state file. `take_limbs` returns false if `from` does not begin with valid limbs.
    void append_limbs(std::string& to) const;
    bool take_limbs(Bytes& from, std::uint64_t count, bool negative);

private:
    using Limbs = std::span<const std::uint64_t>;

    void add_shifted(Limbs other, bool negative, std::size_t offset);
    std::strong_ordering compare_shifted(Limbs other, std::size_t offset) const;
    void add_magnitude(Limbs other, std::size_t offset);
    void subtract_magnitude(Limbs other, std::size_t offset);
    void subtract_from(Limbs other, std::size_t offset);
    void normalize();

    std::vector<std::uint64_t> limbs_;  ///< The last one is not zero.
    bool negative_ = false;             ///< False for zero.
};

}  // namespace csvmill
