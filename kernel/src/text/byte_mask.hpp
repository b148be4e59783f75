/// Masks of texts: a bit for each byte that equals another one.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

namespace csvmill {

/// The number of bytes of which `mask_of_64` makes a mask.
inline constexpr std::size_t mask_bytes = 64;

/// A bit for each byte of eight that equals `byte`.
inline std::uint64_t mask_of_8(std::uint64_t eight, char byte) {
    constexpr std::uint64_t each = 0x0101010101010101;
    constexpr std::uint64_t low = 0x7F * each;
    const std::uint64_t differences = eight ^ (each * static_cast<unsigned char>(byte));
    const std::uint64_t high_bits = ~(((differences & low) + low) | differences | low);
    return ((high_bits >> 7) * 0x0102040810204080) >> 56;
}

/// A bit for each of 64 bytes at `text` that equals `byte`.
inline std::uint64_t mask_of_64(const char* text, char byte) {
    std::uint64_t mask = 0;
#ifdef __x86_64__
    const __m128i pattern = _mm_set1_epi8(byte);
    for (unsigned at = 0; at < mask_bytes; at += 16) {
        __m128i sixteen;
        std::memcpy(&sixteen, text + at, sizeof sixteen);
        const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(sixteen, pattern));
        mask |= std::uint64_t{static_cast<std::uint32_t>(equal)} << at;
    }
#else
    static_assert(std::endian::native == std::endian::little);
    for (unsigned at = 0; at < mask_bytes; at += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text + at, sizeof eight);
        mask |= mask_of_8(eight, byte) << at;
    }
#endif
    return mask;
}

}  // namespace csvmill
