/// Appends characters to a text, many at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "text/bytes.hpp"
#include "text/utf8.hpp"

namespace csvmill {

static_assert(std::endian::native == std::endian::little);

/// Collects characters before they are appended to a text: `flush` appends the last ones.
class Collector {
public:
    explicit Collector(std::string& to) : to_(to) {}

    void add(char32_t character) { length_ += encode_utf8(room(), character); }
    void add_byte(char byte) {
        *room() = byte;
        ++length_;
    }
    /// Adds a byte that is no text. Those that could begin a character in UTF-8 become FF.
    void add_invalid(std::uint8_t byte) {
        add_byte(byte >= 0xC2 && byte <= 0xF4 ? '\xFF' : static_cast<char>(byte));
    }
    void add_four(std::uint32_t bytes) {
        std::memcpy(room(), &bytes, sizeof bytes);
        length_ += sizeof bytes;
    }
    void add_run(Bytes text) {
        flush();
        to_ += text;
    }
    void flush() {
        to_.append(bytes_.data(), length_);
        length_ = 0;
    }

    /// Adds the ASCII text at `at` in `source`, and returns its end.
    std::size_t add_ascii(Bytes source, std::size_t at) {
        const std::size_t begin = at;
        while (source.size() - at >= 8) {
            std::uint64_t word;
            std::memcpy(&word, source.data() + at, sizeof word);
            word &= 0x8080808080808080;
            if (word != 0) {
                at += static_cast<std::size_t>(std::countr_zero(word)) / 8;
                break;
            }
            at += 8;
        }
        while (at < source.size() && static_cast<std::uint8_t>(source[at]) < 0x80) ++at;
        if (at - begin < short_run) {
            for (const char byte : source.substr(begin, at - begin)) add_byte(byte);
        } else {
            add_run(source.substr(begin, at - begin));
        }
        return at;
    }

private:
    /// A run of ASCII that is collected byte by byte, because it is shorter.
    static constexpr std::size_t short_run = 64;

    /// Room for four bytes.
    char* room() {
        if (length_ > bytes_.size() - 4) flush();
        return bytes_.data() + length_;
    }

    std::string& to_;
    std::array<char, 1024> bytes_;
    std::size_t length_ = 0;
};

}  // namespace csvmill
