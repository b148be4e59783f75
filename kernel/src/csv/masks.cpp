#include "csv/masks.hpp"

#include <bit>
#include <cstring>

#include "text/byte_mask.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace csvmill {
namespace {

/// Bit i is the parity of bits 0 to i.
std::uint64_t parities(std::uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

}  // namespace

void make_masks_plain(const char* data, std::size_t words, const Marks& marks,
                      std::uint64_t& inside, Masks& masks) {
    std::uint64_t any_quote = 0;
    std::uint64_t any_foreign = 0;
    std::uint64_t any = 0;
    for (std::size_t word = 0; word < words; ++word) {
        std::uint64_t delimiters = 0;
        std::uint64_t newlines = 0;
        std::uint64_t foreigns = 0;
        std::uint64_t quotes = 0;
        for (unsigned at = 0; at < 64; at += 8) {
            std::uint64_t eight;
            std::memcpy(&eight, data + 64 * word + at, sizeof eight);
            if constexpr (std::endian::native == std::endian::big) {
                eight = __builtin_bswap64(eight);
            }
            delimiters |= mask_of_8(eight, marks.delimiter) << at;
            newlines |= mask_of_8(eight, marks.newline) << at;
            foreigns |= mask_of_8(eight, marks.foreign) << at;
            if (marks.quoted) quotes |= mask_of_8(eight, marks.quote) << at;
            any |= eight;
        }
        masks.separators[word] = delimiters | newlines;
        masks.newlines[word] = newlines;
        masks.foreign[word] = foreigns;
        any_foreign |= foreigns;
        if (marks.quoted) {
            masks.quotes[word] = quotes;
            masks.inside[word] = parities(quotes) ^ inside;
            inside = std::uint64_t{0} - (masks.inside[word] >> 63);
            any_quote |= quotes;
        }
    }
    masks.any_quote = any_quote != 0;
    masks.any_foreign = any_foreign != 0;
    masks.any_not_ascii = (any & 0x8080808080808080) != 0;
}

#ifdef __x86_64__

#define CSVMILL_VECTORS __attribute__((target("avx2,pclmul")))

bool has_vectors() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
}

namespace {

CSVMILL_VECTORS inline std::uint64_t mask_of(__m256i low, __m256i high) {
    const auto low_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
    const auto high_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
    return low_bits | std::uint64_t{high_bits} << 32;
}

/// Bit i is the parity of bits 0 to i: a product without carries with all ones.
CSVMILL_VECTORS inline std::uint64_t parities_of(std::uint64_t bits) {
    const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)),
                                                 _mm_set1_epi8('\xFF'), 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

template <bool quoted>
CSVMILL_VECTORS void make_masks_avx2(const char* data, std::size_t words, const Marks& marks,
                                     std::uint64_t& inside, Masks& masks) {
    const __m256i delimiter = _mm256_set1_epi8(marks.delimiter);
    const __m256i quote = _mm256_set1_epi8(marks.quote);
    const __m256i newline = _mm256_set1_epi8(marks.newline);
    const __m256i foreign = _mm256_set1_epi8(marks.foreign);
    std::uint64_t any_quote = 0;
    std::uint64_t any_foreign = 0;
    std::uint64_t inside_now = inside;
    __m256i any = _mm256_setzero_si256();
    for (std::size_t word = 0; word < words; ++word) {
        const auto* source = reinterpret_cast<const __m256i*>(data + 64 * word);
        const __m256i low = _mm256_loadu_si256(source);
        const __m256i high = _mm256_loadu_si256(source + 1);
        any = _mm256_or_si256(any, _mm256_or_si256(low, high));
        const __m256i low_newlines = _mm256_cmpeq_epi8(low, newline);
        const __m256i high_newlines = _mm256_cmpeq_epi8(high, newline);
        masks.newlines[word] = mask_of(low_newlines, high_newlines);
        masks.separators[word] =
            mask_of(_mm256_or_si256(low_newlines, _mm256_cmpeq_epi8(low, delimiter)),
                    _mm256_or_si256(high_newlines, _mm256_cmpeq_epi8(high, delimiter)));
        const std::uint64_t foreigns =
            mask_of(_mm256_cmpeq_epi8(low, foreign), _mm256_cmpeq_epi8(high, foreign));
        masks.foreign[word] = foreigns;
        any_foreign |= foreigns;
        if constexpr (quoted) {
            const std::uint64_t quotes =
                mask_of(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote));
            const std::uint64_t inside_word = parities_of(quotes) ^ inside_now;
            masks.quotes[word] = quotes;
            masks.inside[word] = inside_word;
            inside_now = std::uint64_t{0} - (inside_word >> 63);
            any_quote |= quotes;
        }
    }
    inside = inside_now;
    masks.any_quote = any_quote != 0;
    masks.any_foreign = any_foreign != 0;
    masks.any_not_ascii = _mm256_movemask_epi8(any) != 0;
}

}  // namespace

void make_masks_vector(const char* data, std::size_t words, const Marks& marks,
                       std::uint64_t& inside, Masks& masks) {
    if (marks.quoted) {
        make_masks_avx2<true>(data, words, marks, inside, masks);
    } else {
        make_masks_avx2<false>(data, words, marks, inside, masks);
    }
}

#elif !defined(__aarch64__)

bool has_vectors() { return false; }

void make_masks_vector(const char* data, std::size_t words, const Marks& marks,
                       std::uint64_t& inside, Masks& masks) {
    make_masks_plain(data, words, marks, inside, masks);
}

#endif

}  // namespace csvmill
