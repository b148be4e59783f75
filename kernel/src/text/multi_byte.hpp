/// Reads text in encodings with several bytes a character.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/bytes.hpp"
#include "text/collector.hpp"
#include "text/multi_byte_tables.hpp"

namespace csvmill {

/// Adds the text of `source`, and returns the bytes that were read: all of them, but for a
/// character that may continue after them. Of bytes without a character, the first one is invalid,
/// and what follows it is read as text.
std::size_t append_multi_bytes(Collector& to, Bytes source, const MultiByteEncoding& encoding);

/// How many bytes each character of an encoding has.
class CharacterLengths {
public:
    explicit CharacterLengths(const MultiByteEncoding& encoding);

    std::uint64_t of(char32_t character) const {
        return character < lengths_.size() ? lengths_[character] : 4;
    }

private:
    std::array<std::uint8_t, 0x10000> lengths_;
};

}  // namespace csvmill
