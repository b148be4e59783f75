#include "text/multi_byte.hpp"

#include <algorithm>

namespace csvmill {
namespace {

constexpr std::uint8_t before_three = 0x8F;
/// The number of U+10000 among the characters of four bytes, and that after U+10FFFF.
constexpr std::uint32_t beyond_basic = 189000;
constexpr std::uint32_t after_last = beyond_basic + 0x100000;

/// Whether a byte is the first or the third one of a character of four bytes.
bool is_odd_of_four(std::uint8_t byte) { return byte >= 0x81 && byte != 0xFF; }

/// What stands at the begin of a text: a character, or an invalid byte, or neither yet.
struct Found {
    char32_t character = 0;  ///< 0: the first byte is invalid, or more bytes are needed.
    std::size_t length = 1;  ///< 0: more bytes are needed.
};
constexpr Found invalid{};
constexpr Found unfinished{0, 0};

Found found(char32_t character, std::size_t length) {
    return character == 0 ? invalid : Found{character, length};
}

Found read_three(Bytes source, const LeadTable& table) {
    if (source.size() < 2) return unfinished;
    if (!table.leads(byte_at(source, 1))) return invalid;
    if (source.size() < 3) return unfinished;
    return found(table.find(byte_at(source, 1), byte_at(source, 2)), 3);
}

/// `source` begins with a byte and a digit.
Found read_four(Bytes source, std::span<const FourByteRun> runs) {
    if (source.size() < 3) return unfinished;
    if (!is_odd_of_four(byte_at(source, 2))) return invalid;
    if (source.size() < 4) return unfinished;
    if (!is_digit(source[3])) return invalid;
    std::uint32_t number = byte_at(source, 0) - 0x81U;
    number = number * 10 + (byte_at(source, 1) - std::uint32_t{'0'});
    number = number * 126 + (byte_at(source, 2) - 0x81U);
    number = number * 10 + (byte_at(source, 3) - std::uint32_t{'0'});
    if (number >= beyond_basic) {
        return number < after_last ? Found{0x10000 + number - beyond_basic, 4} : invalid;
    }
    const auto after = std::ranges::upper_bound(runs, number, {}, &FourByteRun::number);
    const FourByteRun& run = *std::prev(after);
    return run.character == 0 ? invalid : Found{run.character + (number - run.number), 4};
}

/// Reads `source`, which begins with a byte beyond ASCII.
Found read(Bytes source, const MultiByteEncoding& encoding) {
    const std::uint8_t lead = byte_at(source, 0);
    if (const char32_t single = encoding.characters[lead & 0x7FU]) return {single, 1};
    if (lead == before_three && !encoding.three.rows.empty()) {
        return read_three(source, encoding.three);
    }
    const bool of_four = !encoding.four.empty() && is_odd_of_four(lead);
    if (!of_four && !encoding.two.leads(lead)) return invalid;
    if (source.size() < 2) return unfinished;
    const std::uint8_t trail = byte_at(source, 1);
    if (of_four && is_digit(source[1])) return read_four(source, encoding.four);
    return found(encoding.two.find(lead, trail), 2);
}

}  // namespace

std::size_t append_multi_bytes(Collector& to, Bytes source, const MultiByteEncoding& encoding) {
    std::size_t at = 0;
    while (true) {
        at = to.add_ascii(source, at);
        for (; at < source.size() && byte_at(source, at) >= 0x80;) {
            const Found next = read(source.substr(at), encoding);
            if (next.length == 0) return at;
            if (next.character == 0) {
                to.add_invalid(byte_at(source, at));
            } else {
                to.add(next.character);
            }
            at += next.length;
        }
        if (at == source.size()) return at;
    }
}

CharacterLengths::CharacterLengths(const MultiByteEncoding& encoding) {
    lengths_.fill(4);
    std::fill_n(lengths_.begin(), 0x80, std::uint8_t{1});
    const auto set = [&](const LeadTable& table, std::uint8_t length) {
        for (const TrailRow& row : table.rows) {
            for (const char16_t character : row.characters) {
                if (character != 0) lengths_[character] = length;
            }
        }
    };
    set(encoding.three, 3);
    set(encoding.two, 2);
    for (const char16_t character : encoding.characters) {
        if (character != 0) lengths_[character] = 1;
    }
}

}  // namespace csvmill
