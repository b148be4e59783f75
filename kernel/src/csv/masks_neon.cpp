#include "csv/masks.hpp"

#ifdef __aarch64__

#include <arm_neon.h>

namespace csvmill {
namespace {

/// 64 bytes in four vectors.
struct Bytes64 {
    uint8x16_t parts[4];
};

Bytes64 load(const char* data) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data);
    return {{vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)}};
}

Bytes64 equal(const Bytes64& bytes, uint8x16_t byte) {
    Bytes64 found;
    for (int part = 0; part < 4; ++part) found.parts[part] = vceqq_u8(bytes.parts[part], byte);
    return found;
}

/// A bit for each byte, which must be 0 or 255. Each byte keeps the bit of its place in eight;
/// three sums of neighbours put eight of them into one byte.
std::uint64_t mask_of(const Bytes64& bytes) {
    constexpr std::uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t place = vld1q_u8(places);
    const uint8x16_t pairs_low =
        vpaddq_u8(vandq_u8(bytes.parts[0], place), vandq_u8(bytes.parts[1], place));
    const uint8x16_t pairs_high =
        vpaddq_u8(vandq_u8(bytes.parts[2], place), vandq_u8(bytes.parts[3], place));
    const uint8x16_t fours = vpaddq_u8(pairs_low, pairs_high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)), 0);
}

/// Bit i is the parity of bits 0 to i.
std::uint64_t parities(std::uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

template <bool quoted>
void make_masks_neon(const char* data, std::size_t words, const Marks& marks, std::uint64_t& inside,
                     Masks& masks) {
    const uint8x16_t delimiter = vdupq_n_u8(static_cast<std::uint8_t>(marks.delimiter));
    const uint8x16_t quote = vdupq_n_u8(static_cast<std::uint8_t>(marks.quote));
    const uint8x16_t newline = vdupq_n_u8(static_cast<std::uint8_t>(marks.newline));
    const uint8x16_t foreign = vdupq_n_u8(static_cast<std::uint8_t>(marks.foreign));
    std::uint64_t any_quote = 0;
    std::uint64_t any_foreign = 0;
    uint8x16_t any = vdupq_n_u8(0);
    for (std::size_t word = 0; word < words; ++word) {
        const Bytes64 bytes = load(data + 64 * word);
        for (const uint8x16_t& part : bytes.parts) any = vorrq_u8(any, part);
        masks.newlines[word] = mask_of(equal(bytes, newline));
        masks.separators[word] = mask_of(equal(bytes, delimiter)) | masks.newlines[word];
        masks.foreign[word] = mask_of(equal(bytes, foreign));
        any_foreign |= masks.foreign[word];
        if constexpr (quoted) {
            masks.quotes[word] = mask_of(equal(bytes, quote));
            masks.inside[word] = parities(masks.quotes[word]) ^ inside;
            inside = std::uint64_t{0} - (masks.inside[word] >> 63);
            any_quote |= masks.quotes[word];
        }
    }
    masks.any_quote = any_quote != 0;
    masks.any_foreign = any_foreign != 0;
    masks.any_not_ascii = vmaxvq_u8(any) >= 0x80;
}

}  // namespace

/// NEON belongs to every aarch64 processor.
bool has_vectors() { return true; }

void make_masks_vector(const char* data, std::size_t words, const Marks& marks,
                       std::uint64_t& inside, Masks& masks) {
    if (marks.quoted) {
        make_masks_neon<true>(data, words, marks, inside, masks);
    } else {
        make_masks_neon<false>(data, words, marks, inside, masks);
    }
}

}  // namespace csvmill

#endif
