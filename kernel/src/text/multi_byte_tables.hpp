/// The encodings in which a character has up to four bytes, the first of which is not ASCII. ASCII
/// is the same in all of them, but a later byte of a character may be one of ASCII too.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "text/bytes.hpp"

namespace csvmill {

/// The characters whose last but one byte is the same, by their last bytes. NUL: there is none.
struct TrailRow {
    std::uint8_t first = 0;  ///< The last byte of the first one.
    std::u16string_view characters;
};

struct LeadTable {
    std::uint8_t first = 0;  ///< The byte before the last one of the first row.
    std::span<const TrailRow> rows;

    /// 0 if there is none.
    char32_t find(std::uint8_t lead, std::uint8_t trail) const {
        if (!leads(lead)) return 0;
        const TrailRow& row = rows[static_cast<std::size_t>(lead - first)];
        const std::size_t at = std::size_t{trail} - row.first;
        return at < row.characters.size() ? row.characters[at] : 0;
    }
    bool leads(std::uint8_t byte) const {
        return byte >= first && static_cast<std::size_t>(byte - first) < rows.size();
    }
};

/// Consecutive characters of four bytes: their numbers begin with `number`.
struct FourByteRun {
    std::uint32_t number;
    char32_t character;  ///< The first one; 0: there is none before the next run.
};

struct MultiByteEncoding {
    Bytes name;                            ///< In messages to the kernel.
    Bytes title;                           ///< In messages about bad records.
    std::array<char16_t, 128> characters;  ///< Of single bytes from 0x80 on; 0: it has none.
    LeadTable two;                         ///< Of two bytes.
    LeadTable three;                       ///< Of three bytes, the first of which is 0x8F.
    std::span<const FourByteRun> four;     ///< In the order of their numbers.
};

extern const MultiByteEncoding shift_jis;
extern const MultiByteEncoding euc_jp;
extern const MultiByteEncoding gb18030;
extern const MultiByteEncoding big5;
extern const MultiByteEncoding euc_kr;

}  // namespace csvmill
