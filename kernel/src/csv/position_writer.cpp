#include "csv/position_writer.hpp"

#include <bit>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace csvmill {
namespace {

constexpr std::uint32_t word_bits = 64;
/// The most positions that are written beyond the last.
constexpr unsigned slack = 8;

/// Writes the positions of all bits.
[[gnu::always_inline]] inline std::uint32_t* write_each(const Masks::Mask& separators,
                                                        std::size_t words, std::uint32_t base,
                                                        std::uint32_t* to) {
    for (std::size_t word = 0; word < words; ++word, base += word_bits) {
        std::uint64_t bits = separators[word];
        std::uint32_t* const end = to + std::popcount(bits);
        while (true) {
#pragma GCC unroll 8
            for (unsigned i = 0; i < slack; ++i) {
                to[i] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
                bits &= bits - 1;
            }
            if (bits == 0) break;
            to += slack;
        }
        to = end;
    }
    return to;
}

/// Writes the positions of kept separators; `select` gives the position of a bit by its number.
template <typename Select>
[[gnu::always_inline]] inline std::uint32_t* write_kept(const Masks::Mask& separators,
                                                        std::size_t words, std::uint32_t base,
                                                        const std::vector<std::uint32_t>& steps,
                                                        PositionWriter::Next& next,
                                                        std::uint32_t* to, const Select& select) {
    const std::uint32_t* const step = steps.data();
    const std::size_t stride = steps.size();
    std::size_t place = next.place;
    std::uint64_t skip = next.skip;
    for (std::size_t word = 0; word < words; ++word, base += word_bits) {
        const std::uint64_t bits = separators[word];
        const auto count = static_cast<std::uint64_t>(std::popcount(bits));
        for (; skip < count; skip += 1 + step[place], place = place + 1 == stride ? 0 : place + 1) {
            *to++ = base + select(bits, static_cast<unsigned>(skip));
        }
        skip -= count;
    }
    next = {place, skip};
    return to;
}

std::uint32_t* write_each_plain(const Masks::Mask& separators, std::size_t words,
                                std::uint32_t base, const std::vector<std::uint32_t>& /*steps*/,
                                PositionWriter::Next& /*next*/, std::uint32_t* to) {
    return write_each(separators, words, base, to);
}

std::uint32_t* write_kept_plain(const Masks::Mask& separators, std::size_t words,
                                std::uint32_t base, const std::vector<std::uint32_t>& steps,
                                PositionWriter::Next& next, std::uint32_t* to) {
    const auto select = [](std::uint64_t bits, unsigned number) {
        for (; number > 0; --number) bits &= bits - 1;
        return static_cast<std::uint32_t>(std::countr_zero(bits));
    };
    return write_kept(separators, words, base, steps, next, to, select);
}

#ifdef __x86_64__

__attribute__((target("bmi,popcnt"))) std::uint32_t* write_each_vector(
    const Masks::Mask& separators, std::size_t words, std::uint32_t base,
    const std::vector<std::uint32_t>& /*steps*/, PositionWriter::Next& /*next*/,
    std::uint32_t* to) {
    return write_each(separators, words, base, to);
}

struct SelectDeposit {
    __attribute__((target("bmi,bmi2"))) std::uint32_t operator()(std::uint64_t bits,
                                                                 unsigned number) const {
        const std::uint64_t bit = _pdep_u64(std::uint64_t{1} << number, bits);
        return static_cast<std::uint32_t>(std::countr_zero(bit));
    }
};

__attribute__((target("bmi,bmi2,popcnt"))) std::uint32_t* write_kept_vector(
    const Masks::Mask& separators, std::size_t words, std::uint32_t base,
    const std::vector<std::uint32_t>& steps, PositionWriter::Next& next, std::uint32_t* to) {
    return write_kept(separators, words, base, steps, next, to, SelectDeposit());
}

#else

constexpr PositionWriter::Write write_each_vector = write_each_plain;
constexpr PositionWriter::Write write_kept_vector = write_kept_plain;

#endif

}  // namespace

PositionWriter::PositionWriter(const KeptFields& kept, bool vectors) {
    if (kept.all()) {
        write_ = vectors ? write_each_vector : write_each_plain;
        return;
    }
    write_ = vectors ? write_kept_vector : write_kept_plain;
    const std::vector<std::uint32_t>& separators = kept.separators();
    for (std::size_t i = 1; i < separators.size(); ++i) {
        steps_.push_back(separators[i] - separators[i - 1] - 1);
    }
    steps_.push_back(separators[0]);  // From the end of the record to the first one of the next.
    next_.skip = separators[0];
}

void PositionWriter::write(const Masks::Mask& separators, std::size_t words, std::uint32_t base,
                           Positions& to) {
    std::uint32_t* const begin = to.room(words * word_bits + slack);
    const std::uint32_t* const end = write_(separators, words, base, steps_, next_, begin);
    to.resize(to.size() + static_cast<std::size_t>(end - begin));
}

}  // namespace csvmill
