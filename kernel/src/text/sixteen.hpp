/// Sixteen characters at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

namespace csvmill {

/// Sixteen characters of a text, of which some may be beyond its end.
class Sixteen {
public:
    static constexpr std::size_t size = 16;

    explicit Sixteen(const char* from) { std::memcpy(&bytes_, from, size); }

    void store(char* to) const { std::memcpy(to, &bytes_, size); }

    /// The number of characters before the first `byte`; 16 if there is none.
    std::size_t find(char byte) const {
#ifdef __x86_64__
        const __m128i equal = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(byte));
        const auto found = static_cast<unsigned>(_mm_movemask_epi8(equal));
        return static_cast<std::size_t>(std::countr_zero(found | 1U << size));
#else
        const std::size_t first = find(bytes_[0], byte);
        return first < 8 ? first : 8 + find(bytes_[1], byte);
#endif
    }

private:
#ifdef __x86_64__
    __m128i bytes_;
#else
    static_assert(std::endian::native == std::endian::little);

    static std::size_t find(std::uint64_t eight, char byte) {
        constexpr std::uint64_t each = 0x0101010101010101;
        const std::uint64_t other = eight ^ (each * static_cast<unsigned char>(byte));
        const std::uint64_t equal = (other - each) & ~other & (0x80 * each);
        return static_cast<std::size_t>(std::countr_zero(equal)) / 8;
    }

    std::uint64_t bytes_[2];
#endif
};

}  // namespace csvmill
