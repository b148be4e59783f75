/// A seeded hash of keys.
#pragma once

#include <cstdint>
#include <cstring>

#include "text/bytes.hpp"

namespace csvmill {

/// The slots of the smallest hash table.
inline constexpr std::size_t least_slots = 16;

/// Hashes bytes with multipliers and masks that follow from a seed, so that who does not know the
/// seed cannot choose keys with equal hashes: a factor that meets its own mask would make a product
/// zero.
class KeyHash {
public:
    explicit KeyHash(std::uint64_t seed)
        : a_(scramble(4 * seed + 1)),
          b_(scramble(4 * seed + 2)),
          c_(scramble(4 * seed + 3)),
          d_(scramble(4 * seed + 4)) {}

    std::uint64_t operator()(Bytes key) const {
        const char* data = key.data();
        std::size_t size = key.size();
        std::uint64_t state = c_;
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        if (size > 16) {
            const char* last = data + size - 16;
            for (; data < last; data += 16) {
                state = mix(word(data) ^ a_, word(data + 8) ^ state);
            }
            low = word(last);
            high = word(last + 8);
        } else if (size >= 8) {
            low = word(data);
            high = word(data + size - 8);
        } else if (size >= 4) {
            low = half_word(data);
            high = half_word(data + size - 4);
        } else if (size > 0) {
            low = byte(data) | byte(data + size / 2) << 8 | byte(data + size - 1) << 16;
        }
        return mix(d_ ^ size, mix(low ^ b_, high ^ state));
    }

    /// Combines a hash with a number.
    std::uint64_t with(std::uint64_t hash, std::uint64_t number) const {
        return mix(hash ^ a_, (number + 1) * 0x9e3779b97f4a7c15 ^ b_);
    }

private:
    static std::uint64_t mix(std::uint64_t x, std::uint64_t y) {
        __extension__ using Product = unsigned __int128;
        Product product = static_cast<Product>(x) * y;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }
    /// Spreads a seed over all bits; no two numbers give the same.
    static std::uint64_t scramble(std::uint64_t x) {
        x *= 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
    static std::uint64_t word(const char* data) {
        std::uint64_t value = 0;
        std::memcpy(&value, data, 8);
        return value;
    }
    static std::uint64_t half_word(const char* data) {
        std::uint32_t value = 0;
        std::memcpy(&value, data, 4);
        return value;
    }
    static std::uint64_t byte(const char* data) { return static_cast<unsigned char>(*data); }

    std::uint64_t a_;
    std::uint64_t b_;
    std::uint64_t c_;
    std::uint64_t d_;
};

/// Whether keys are equal. Short ones are compared without a call.
inline bool same_bytes(const char* a, const char* b, std::size_t size) {
    auto differ = [&]<typename Word>(std::size_t at, Word) {
        Word x{};
        Word y{};
        std::memcpy(&x, a + at, sizeof(Word));
        std::memcpy(&y, b + at, sizeof(Word));
        return (x ^ y) != 0;
    };
    if (size >= 8) {
        if (size > 64) return std::memcmp(a, b, size) == 0;
        for (std::size_t at = 0; at + 8 < size; at += 8) {
            if (differ(at, std::uint64_t{})) return false;
        }
        return !differ(size - 8, std::uint64_t{});
    }
    if (size >= 4) return !differ(0, std::uint32_t{}) && !differ(size - 4, std::uint32_t{});
    for (std::size_t at = 0; at < size; ++at) {
        if (a[at] != b[at]) return false;
    }
    return true;
}

}  // namespace csvmill
