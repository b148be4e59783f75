/// Numbers and texts in state files.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "text/bytes.hpp"
#include "text/error.hpp"

namespace csvmill {

/// Appends 7 bits a byte, the lowest first; all bytes but the last have the highest bit.
inline void append_varint(std::string& to, std::uint64_t number) {
    while (number >= 0x80) {
        to += static_cast<char>(number | 0x80);
        number >>= 7;
    }
    to += static_cast<char>(number);
}

/// Reads a number at the start of `from`, and removes it. Throws StateError.
inline std::uint64_t take_varint(Bytes& from) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
        const auto byte = static_cast<unsigned char>(from[i]);
        if (i == 9 && byte > 1) break;
        number |= std::uint64_t{byte & 0x7FU} << (7 * i);
        if (byte < 0x80) {
            from.remove_prefix(i + 1);
            return number;
        }
    }
    throw StateError("a state file is damaged: a number is cut off or too large");
}

/// Removes the first `size` bytes from `from`. Throws StateError.
inline Bytes take_bytes(Bytes& from, std::uint64_t size) {
    if (size > from.size()) throw StateError("a state file is damaged: a length is too large");
    const Bytes taken = from.substr(0, static_cast<std::size_t>(size));
    from.remove_prefix(taken.size());
    return taken;
}

/// Appends the size of a text, and the text.
inline void append_text(std::string& to, Bytes text) {
    append_varint(to, text.size());
    to += text;
}

/// Removes from `from` a text that `append_text` wrote. Throws StateError.
inline std::string take_text(Bytes& from) {
    return std::string(take_bytes(from, take_varint(from)));
}

/// 8 bytes in the order of this machine, little-endian on all that the kernel runs on.
inline void append_word(std::string& to, std::uint64_t word) {
    char bytes[8];
    std::memcpy(bytes, &word, 8);
    to.append(bytes, 8);
}

inline std::uint64_t take_word(Bytes& from) {
    std::uint64_t word = 0;
    std::memcpy(&word, take_bytes(from, 8).data(), 8);
    return word;
}

}  // namespace csvmill
