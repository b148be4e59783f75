#include "text/utf8.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace csvmill {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

std::uint8_t byte_at(Bytes text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

bool is_continuation(std::uint8_t byte) { return (byte & 0xC0) == 0x80; }

std::uint64_t word_at(const char* from) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// The length of the ASCII text at the start of `text`, or a little less.
std::size_t ascii_prefix(Bytes text) {
    std::size_t at = 0;
    while (text.size() - at >= 32) {
        const char* from = text.data() + at;
        if ((word_at(from) | word_at(from + 8) | word_at(from + 16) | word_at(from + 24)) &
            high_bits) {
            break;
        }
        at += 32;
    }
    while (text.size() - at >= 8 && !(word_at(text.data() + at) & high_bits)) at += 8;
    return at;
}

bool is_utf8_plain(Bytes text) {
    std::size_t at = ascii_prefix(text);
    while (at < text.size()) {
        if (byte_at(text, at) < 0x80) {
            at += text.size() - at >= 8 && !(word_at(text.data() + at) & high_bits) ? 8 : 1;
            continue;
        }
        const Decoded decoded = decode_utf8(text, at);
        if (!decoded.valid) return false;
        at += decoded.length;
    }
    return true;
}

#if defined(__x86_64__)

// Each pair of neighbour bytes is looked up in three tables: by the high and low half of the first
// byte and by the high half of the second. A bit that is set in all three is an error. (Keiser,
// Lemire: Validating UTF-8 in less than one instruction per byte, 2021.)
enum : std::uint8_t {
    too_short = 1 << 0,       ///< A first byte without a continuation.
    too_long = 1 << 1,        ///< ASCII, then a continuation.
    overlong_3 = 1 << 2,      ///< E0, then 80..9F.
    too_large = 1 << 3,       ///< F4, then 90..BF; F5..FF, then 90..BF.
    surrogate = 1 << 4,       ///< ED, then A0..BF.
    overlong_2 = 1 << 5,      ///< C0 or C1.
    overlong_4 = 1 << 6,      ///< F0, then 80..8F.
    too_large_1000 = 1 << 6,  ///< F5..FF, then 80..8F.
    continuations = 1 << 7,   ///< Two continuations: an error unless a longer character needs them.
    any_low = too_short | too_long | continuations,
};

constexpr std::uint8_t first_high[16] = {
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    too_long,
    continuations,
    continuations,
    continuations,
    continuations,
    too_short | overlong_2,
    too_short,
    too_short | overlong_3 | surrogate,
    too_short | too_large | too_large_1000 | overlong_4,
};

constexpr std::uint8_t past_f4 = any_low | too_large | too_large_1000;
constexpr std::uint8_t first_low[16] = {
    any_low | overlong_2 | overlong_3 | overlong_4,
    any_low | overlong_2,
    any_low,
    any_low,
    any_low | too_large,
    past_f4,
    past_f4,
    past_f4,
    past_f4,
    past_f4,
    past_f4,
    past_f4,
    past_f4,
    past_f4 | surrogate,
    past_f4,
    past_f4,
};

constexpr std::uint8_t any_continuation = too_long | overlong_2 | continuations;
constexpr std::uint8_t second_high[16] = {
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    any_continuation | overlong_3 | overlong_4 | too_large_1000,
    any_continuation | overlong_3 | too_large,
    any_continuation | surrogate | too_large,
    any_continuation | surrogate | too_large,
    too_short,
    too_short,
    too_short,
    too_short,
};

__attribute__((target("avx2"))) __m256i twice(const std::uint8_t (&table)[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
}

__attribute__((target("avx2"))) __m256i load(const char* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

__attribute__((target("avx2"))) __m256i high_half(__m256i bytes) {
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

/// Not zero where `block`, which follows `before`, has an error.
__attribute__((target("avx2"))) __m256i errors_of(__m256i block, __m256i before) {
    const __m256i middle = _mm256_permute2x128_si256(before, block, 0x21);
    const __m256i previous = _mm256_alignr_epi8(block, middle, 15);
    const __m256i second_last = _mm256_alignr_epi8(block, middle, 14);
    const __m256i third_last = _mm256_alignr_epi8(block, middle, 13);
    const __m256i low = _mm256_and_si256(previous, _mm256_set1_epi8(0x0F));
    const __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(twice(first_high), high_half(previous)),
                         _mm256_shuffle_epi8(twice(first_low), low)),
        _mm256_shuffle_epi8(twice(second_high), high_half(block)));
    // The high bit is set where E0..FF was two bytes ago, or F0..FF three bytes ago.
    const __m256i third = _mm256_subs_epu8(second_last, _mm256_set1_epi8(0xE0 - 0x80));
    const __m256i fourth = _mm256_subs_epu8(third_last, _mm256_set1_epi8(0xF0 - 0x80));
    const __m256i needed =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
    return _mm256_xor_si256(pairs, needed);
}

__attribute__((target("avx2"))) bool is_utf8_avx2(Bytes text) {
    const char* from = text.data();
    const char* const end = from + text.size();
    __m256i before = _mm256_setzero_si256();
    __m256i errors = _mm256_setzero_si256();
    while (end - from >= 64) {
        const __m256i first = load(from);
        const __m256i second = load(from + 32);
        if (_mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0) {
            // Only a character that the blocks before began can be wrong here.
            if (_mm256_movemask_epi8(before) != 0) {
                errors = _mm256_or_si256(errors, errors_of(first, before));
            }
        } else {
            errors = _mm256_or_si256(errors, errors_of(first, before));
            errors = _mm256_or_si256(errors, errors_of(second, first));
            if (!_mm256_testz_si256(errors, errors)) return false;
        }
        before = second;
        from += 64;
    }
    // Zeros after the text show a character that is incomplete.
    char rest[96] = {};
    const auto left = static_cast<std::size_t>(end - from);
    if (left != 0) std::memcpy(rest, from, left);
    for (std::size_t at = 0; at <= left; at += 32) {
        const __m256i block = load(rest + at);
        errors = _mm256_or_si256(errors, errors_of(block, before));
        before = block;
    }
    return _mm256_testz_si256(errors, errors);
}

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}

#endif

constexpr std::size_t long_text = 64;

}  // namespace

bool is_utf8(Bytes text) {
#if defined(__x86_64__)
    if (text.size() >= long_text && has_avx2()) return is_utf8_avx2(text);
#endif
    return is_utf8_plain(text);
}

bool is_ascii(Bytes text) {
    std::size_t at = ascii_prefix(text);
    while (at < text.size() && byte_at(text, at) < 0x80) ++at;
    return at == text.size();
}

Decoded decode_utf8(Bytes text, std::size_t at) {
    const std::uint8_t first = byte_at(text, at);
    if (first < 0x80) return {first, 1, true};
    if (first < 0xC2 || first > 0xF4) return {0, 1, false};
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    // The second byte has bounds that exclude overlong forms, surrogates and what is too large.
    const std::uint8_t least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    char32_t character = first & (0xFFU >> (length + 1));
    for (std::size_t index = 1; index < length; ++index) {
        if (at + index >= text.size()) return {0, index, false};
        const std::uint8_t next = byte_at(text, at + index);
        if (!is_continuation(next) || (index == 1 && (next < least || next > most))) {
            return {0, index, false};
        }
        character = character << 6 | (next & 0x3FU);
    }
    return {character, length, true};
}

void append_utf8(std::string& to, char32_t character) {
    const auto last = [&](int shift) {
        return static_cast<char>(0x80U | (character >> shift & 0x3FU));
    };
    if (character < 0x80) {
        to += static_cast<char>(character);
    } else if (character < 0x800) {
        to += static_cast<char>(0xC0U | character >> 6);
        to += last(0);
    } else if (character < 0x10000) {
        to += static_cast<char>(0xE0U | character >> 12);
        to += last(6);
        to += last(0);
    } else {
        to += static_cast<char>(0xF0U | character >> 18);
        to += last(12);
        to += last(6);
        to += last(0);
    }
}

}  // namespace csvmill
