/// The encodings in which each character has one byte. ASCII is the same in all of them.
#pragma once

#include <array>
#include <cstdint>

#include "text/bytes.hpp"

namespace csvmill {

struct SingleByteEncoding {
    Bytes name;                            ///< In messages to the kernel.
    Bytes title;                           ///< In messages about bad records.
    std::array<char16_t, 128> characters;  ///< Of the bytes from 0x80 on; 0: it has none.
};

inline constexpr std::size_t single_byte_encoding_count = 59;
extern const std::array<SingleByteEncoding, single_byte_encoding_count> single_byte_encodings;

}  // namespace csvmill
