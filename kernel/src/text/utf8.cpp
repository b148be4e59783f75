#include "text/utf8.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace csvmill {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

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

/// What may follow a first byte: the length of the character (0 if there is none), and the bounds
/// of its second byte, which exclude overlong forms, surrogates and what is too large.
struct First {
    std::uint8_t length;
    std::uint8_t least;
    std::uint8_t most;
};

constexpr std::array<First, 256> firsts = [] {
    std::array<First, 256> found{};
    for (std::size_t byte = 0x00; byte < 0x80; ++byte) found[byte] = {1, 0, 0};
    for (std::size_t byte = 0xC2; byte < 0xE0; ++byte) found[byte] = {2, 0x80, 0xBF};
    for (std::size_t byte = 0xE0; byte < 0xF0; ++byte) found[byte] = {3, 0x80, 0xBF};
    for (std::size_t byte = 0xF0; byte < 0xF5; ++byte) found[byte] = {4, 0x80, 0xBF};
    found[0xE0].least = 0xA0;
    found[0xED].most = 0x9F;
    found[0xF0].least = 0x90;
    found[0xF4].most = 0x8F;
    return found;
}();

bool is_utf8_plain(Bytes text) {
    const char* from = text.data();
    const char* const end = from + text.size();
    const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(from[index]); };
    while (from != end) {
        if (byte(0) < 0x80) {
            from += end - from >= 8 && !(word_at(from) & high_bits) ? 8 : 1;
            continue;
        }
        const First& first = firsts[byte(0)];
        if (first.length == 0 || end - from < first.length) return false;
        if (byte(1) < first.least || byte(1) > first.most) return false;
        if (first.length > 2 && !is_continuation(byte(2))) return false;
        if (first.length > 3 && !is_continuation(byte(3))) return false;
        from += first.length;
    }
    return true;
}

#if defined(__x86_64__)

// Each pair of neighbour bytes is looked up in three tables: by the high and low half of the first
// byte and by the high half of the second. A bit that is set in all three is an error. (Keiser,
// Lemire: Validating UTF-8 in less than one instruction per byte, 2021.)
constexpr std::uint8_t too_short = 1U << 0U;       // A first byte without a continuation.
constexpr std::uint8_t too_long = 1U << 1U;        // ASCII, then a continuation.
constexpr std::uint8_t overlong_3 = 1U << 2U;      // E0, then 80..9F.
constexpr std::uint8_t too_large = 1U << 3U;       // F4..FF, then 90..BF.
constexpr std::uint8_t surrogate = 1U << 4U;       // ED, then A0..BF.
constexpr std::uint8_t overlong_2 = 1U << 5U;      // C0 or C1.
constexpr std::uint8_t overlong_4 = 1U << 6U;      // F0, then 80..8F.
constexpr std::uint8_t too_large_1000 = 1U << 6U;  // F5..FF, then 80..8F.
// Two continuations: an error unless they are needed by a character of three or four bytes.
constexpr std::uint8_t continuations = 1U << 7U;
constexpr std::uint8_t any_low = too_short | too_long | continuations;

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

/// The length from which vectors are faster.
constexpr std::size_t long_text = 16;

}  // namespace

bool is_utf8(Bytes text) {
    text.remove_prefix(ascii_prefix(text));
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
    const std::uint8_t byte = byte_at(text, at);
    if (byte < 0x80) return {byte, 1, true};
    const First& first = firsts[byte];
    if (first.length == 0) return {0, 1, false};
    char32_t character = byte & (0xFFU >> (first.length + 1U));
    for (std::size_t index = 1; index < first.length; ++index) {
        if (at + index >= text.size()) return {0, index, false};
        const std::uint8_t next = byte_at(text, at + index);
        const bool fits =
            index == 1 ? next >= first.least && next <= first.most : is_continuation(next);
        if (!fits) return {0, index, false};
        character = character << 6U | (next & 0x3FU);
    }
    return {character, first.length, true};
}

Bytes characters(Bytes text, std::uint64_t skipped, std::uint64_t count) {
    const auto end_of = [text](std::size_t at, std::uint64_t more) {
        for (; more > 0 && at < text.size(); --more) {
            ++at;
            while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
                ++at;
        }
        return at;
    };
    const std::size_t begin = end_of(0, skipped);
    return text.substr(begin, end_of(begin, count) - begin);
}

void append_utf8(std::string& to, char32_t character) {
    std::array<char, 4> bytes;
    to.append(bytes.data(), encode_utf8(bytes.data(), character));
}

}  // namespace csvmill
