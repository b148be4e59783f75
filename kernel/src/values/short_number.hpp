/// Reading of short numbers, eight characters at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "text/bytes.hpp"
#include "values/decimal.hpp"

namespace csvmill {

static_assert(std::endian::native == std::endian::little);

/// What may be read of the memory of a cell: its bytes, or eight bytes after them too.
enum class Readable { cell, beyond };

/// Up to eight characters of a number: the last one is in the highest byte, and zeros precede.
/// Digits are the bytes 0 to 9.
class EightCharacters {
public:
    /// `size` characters at `text`, 1 to 8.
    template <Readable readable>
    static EightCharacters of(const char* text, std::size_t size) {
        const auto missing = static_cast<unsigned>(8 * (8 - size));
        if constexpr (readable == Readable::beyond) {
            return EightCharacters((load<std::uint64_t>(text) ^ zeros) << missing);
        } else if (size >= 4) {
            const std::uint64_t first = load<std::uint32_t>(text) ^ (zeros >> 32);
            const std::uint64_t last = load<std::uint32_t>(text + size - 4) ^ (zeros >> 32);
            return EightCharacters(last << 32 | ((first << missing) & 0xffffffff));
        } else {
            const std::uint64_t all = at(text, 0) | at(text, size / 2) | at(text, size - 1);
            return EightCharacters((all ^ zeros) << missing);
        }
    }

    bool all_digits() const { return (((bytes_ + 0x76 * each) | bytes_) & highest) == 0; }

    /// Of eight digits.
    std::uint64_t value() const {
        const std::uint64_t pairs = bytes_ * 10 + (bytes_ >> 8);
        constexpr std::uint64_t mask = 0x000000ff000000ff;
        constexpr std::uint64_t low = 100 + (std::uint64_t{1000000} << 32);
        constexpr std::uint64_t high = 1 + (std::uint64_t{10000} << 32);
        return ((pairs & mask) * low + ((pairs >> 16) & mask) * high) >> 32;
    }

    /// The number of bytes before the first `point`; 8 if there is none.
    unsigned find(char point) const {
        const std::uint64_t other = bytes_ ^ (each * static_cast<unsigned char>(point ^ '0'));
        return static_cast<unsigned>(std::countr_zero((other - each) & ~other & highest)) / 8;
    }

    /// Removes the byte at `at`, and puts `first` before all others.
    void remove(unsigned at, unsigned char first) {
        const std::uint64_t before = (std::uint64_t{1} << (8 * at)) - 1;
        const std::uint64_t after = ~std::uint64_t{0} << 8 << (8 * at);
        bytes_ = (bytes_ & after) | (bytes_ & before) << 8 | first;
    }

    /// Removes the last byte and returns it; a zero precedes the others.
    unsigned char shift() {
        const auto last = static_cast<unsigned char>(bytes_ >> 56);
        bytes_ <<= 8;
        return last;
    }

private:
    explicit EightCharacters(std::uint64_t bytes) : bytes_(bytes) {}

    static constexpr std::uint64_t each = 0x0101010101010101;
    static constexpr std::uint64_t zeros = '0' * each;
    static constexpr std::uint64_t highest = 0x80 * each;

    template <typename Word>
    static std::uint64_t load(const char* text) {
        Word word = 0;
        std::memcpy(&word, text, sizeof word);
        return word;
    }
    static std::uint64_t at(const char* text, std::size_t i) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    }

    std::uint64_t bytes_;
};

/// Reads a sign and 1 to 16 digits, of which some may follow `point`; 0 for none. Returns false for
/// anything else, which may be a number nevertheless.
template <Readable readable>
[[gnu::always_inline]] inline bool read_short(Bytes cell, char point, Decimal& to) {
    if (cell.empty()) return false;
    const char* text = cell.data();
    std::size_t size = cell.size();
    // Without branches: signs are hard to predict.
    const unsigned negative = *text == '-' ? 1 : 0;
    const unsigned sign = negative | (*text == '+' ? 1 : 0);
    text += sign;
    size -= sign;
    if (size - 1 >= 16) return false;
    std::int64_t value = 0;
    std::uint32_t scale = 0;
    if (size <= 8) {
        auto characters = EightCharacters::of<readable>(text, size);
        if (!characters.all_digits()) {
            const unsigned place = characters.find(point);
            if (point == 0 || place == 8 || size == 1) return false;
            characters.remove(place, 0);
            if (!characters.all_digits()) return false;
            scale = 7 - place;
        }
        value = static_cast<std::int64_t>(characters.value());
    } else {
        auto first = EightCharacters::of<readable>(text, size - 8);
        auto last = EightCharacters::of<readable>(text + (size - 8), 8);
        if (!first.all_digits() || !last.all_digits()) {
            if (point == 0) return false;
            unsigned place = last.find(point);
            if (place < 8) {
                last.remove(place, first.shift());
                scale = 7 - place;
            } else {
                place = first.find(point);
                if (place == 8) return false;
                first.remove(place, 0);
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
