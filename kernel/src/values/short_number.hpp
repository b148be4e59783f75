/// Reading of short numbers, eight characters at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "text/bytes.hpp"
#include "values/decimal.hpp"

namespace csvmill {

static_assert(std::endian::native == std::endian::little);

/// Up to eight characters of a number: the last one is in the highest byte, and zeros ('0')
/// precede.
class EightCharacters {
public:
    /// All zeros.
    EightCharacters() = default;

    /// `size` characters at `text`, 1 to 8.
    EightCharacters(const char* text, std::size_t size) {
        const auto missing = static_cast<unsigned>(8 * (8 - size));
        if (size >= 4) {
            const std::uint64_t first = load(text);
            const std::uint64_t last = load(text + size - 4);
            bytes_ = last << 32 | ((first << missing) & 0xffffffff);
        } else {
            bytes_ = (at(text, 0) | at(text, size / 2) | at(text, size - 1)) << missing;
        }
        bytes_ |= zeros & ~(ones << missing);
    }

    bool all_digits() const {
        const std::uint64_t values = bytes_ ^ zeros;
        return (((values + 0x76 * each) | values) & highest) == 0;
    }

    /// Of eight digits.
    std::uint64_t value() const {
        std::uint64_t value = bytes_ ^ zeros;
        value = value * 10 + (value >> 8);
        constexpr std::uint64_t mask = 0x000000ff000000ff;
        constexpr std::uint64_t low = 100 + (std::uint64_t{1000000} << 32);
        constexpr std::uint64_t high = 1 + (std::uint64_t{10000} << 32);
        return ((value & mask) * low + ((value >> 16) & mask) * high) >> 32;
    }

    /// The number of characters before the first `point`; 8 if there is none.
    unsigned find(char point) const {
        const std::uint64_t other = bytes_ ^ (each * static_cast<unsigned char>(point));
        return static_cast<unsigned>(std::countr_zero((other - each) & ~other & highest)) / 8;
    }

    /// Removes the character at `at`, and puts `first` before all others.
    void remove(unsigned at, char first) {
        const std::uint64_t before = (std::uint64_t{1} << (8 * at)) - 1;
        const std::uint64_t after = ones << 8 << (8 * at);
        bytes_ = (bytes_ & after) | (bytes_ & before) << 8 | static_cast<unsigned char>(first);
    }

    /// Removes the last character and returns it; a zero precedes the others.
    char shift() {
        const char last = static_cast<char>(bytes_ >> 56);
        bytes_ = bytes_ << 8 | '0';
        return last;
    }

private:
    static constexpr std::uint64_t ones = ~std::uint64_t{0};
    static constexpr std::uint64_t each = 0x0101010101010101;
    static constexpr std::uint64_t zeros = '0' * each;
    static constexpr std::uint64_t highest = 0x80 * each;

    static std::uint64_t load(const char* text) {
        std::uint32_t four = 0;
        std::memcpy(&four, text, sizeof four);
        return four;
    }
    static std::uint64_t at(const char* text, std::size_t i) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    }

    std::uint64_t bytes_ = zeros;
};

/// Reads a sign and 1 to 16 digits, of which some may follow `point`; 0 for none. Returns false for
/// anything else, which may be a number nevertheless. No byte outside of `cell` is read.
inline bool read_short(Bytes cell, char point, Decimal& to) {
    if (cell.empty()) return false;
    const char* text = cell.data();
    std::size_t size = cell.size();
    // Without branches: signs are hard to predict.
    const unsigned negative = *text == '-' ? 1 : 0;
    const unsigned sign = negative | (*text == '+' ? 1 : 0);
    text += sign;
    size -= sign;
    if (size == 0 || size > 16) return false;
    std::int64_t value = 0;
    std::uint32_t scale = 0;
    if (size <= 8) {
        EightCharacters characters(text, size);
        if (!characters.all_digits()) {
            const unsigned place = characters.find(point);
            if (point == 0 || place == 8 || size == 1) return false;
            characters.remove(place, '0');
            if (!characters.all_digits()) return false;
            scale = 7 - place;
        }
        value = static_cast<std::int64_t>(characters.value());
    } else {
        EightCharacters first(text, size - 8);
        EightCharacters last(text + (size - 8), 8);
        if (!first.all_digits() || !last.all_digits()) {
            if (point == 0) return false;
            unsigned place = last.find(point);
            if (place < 8) {
                last.remove(place, first.shift());
                scale = 7 - place;
            } else {
                place = first.find(point);
                if (place == 8) return false;
                first.remove(place, '0');
                scale = 15 - place;
            }
            if (!first.all_digits() || !last.all_digits()) return false;
        }
        value = static_cast<std::int64_t>(first.value() * 100000000 + last.value());
    }
    to.set((value ^ -static_cast<std::int64_t>(negative)) + negative, scale);
    return true;
}

}  // namespace csvmill
