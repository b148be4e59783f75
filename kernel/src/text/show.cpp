#include "text/show.hpp"

#include <algorithm>

#include "text/case.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

void append_hex(std::string& to, char32_t number, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        to += "0123456789abcdef"[number >> shift & 0xFU];
    }
}

void append_escaped(std::string& to, char32_t character) {
    if (character == '\t') {
        to += "\\t";
    } else if (character == '\n') {
        to += "\\n";
    } else if (character == '\r') {
        to += "\\r";
    } else if (character <= 0xFF) {
        to += "\\x";
        append_hex(to, character, 2);
    } else if (character <= 0xFFFF) {
        to += "\\u";
        append_hex(to, character, 4);
    } else {
        to += "\\U";
        append_hex(to, character, 8);
    }
}

/// The first `limit` characters of `text`; each invalid byte is the four characters `\xNN`.
std::string beginning(Bytes text, std::size_t limit) {
    std::string decoded;
    for (std::size_t at = 0, length = 0; at < text.size() && length < limit;) {
        const Decoded next = decode_utf8(text, at);
        if (next.valid) {
            decoded += text.substr(at, next.length);
            ++length;
        } else {
            for (const char byte : text.substr(at, next.length)) {
                std::string replaced = "\\x";
                append_hex(replaced, static_cast<std::uint8_t>(byte), 2);
                replaced.resize(std::min(replaced.size(), limit - length));
                decoded += replaced;
                length += replaced.size();
            }
        }
        at += next.length;
    }
    return decoded;
}

}  // namespace

std::string show(Bytes text, std::size_t limit) {
    std::string shown = repr(beginning(text.substr(0, limit * 4), limit));
    if (text.size() > limit) shown += "...";
    return shown;
}

std::string repr(Bytes text) {
    const bool double_quoted = text.find('\'') != Bytes::npos && text.find('"') == Bytes::npos;
    const char quote = double_quoted ? '"' : '\'';
    std::string shown(1, quote);
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode_utf8(text, at);
        if (next.character == '\\' || next.character == static_cast<unsigned char>(quote)) {
            shown += '\\';
            shown += text[at];
        } else if (is_printable(next.character)) {
            shown += text.substr(at, next.length);
        } else {
            append_escaped(shown, next.character);
        }
        at += next.length;
    }
    shown += quote;
    return shown;
}

std::string columns(std::uint64_t number) {
    return std::to_string(number) + (number == 1 ? " column" : " columns");
}

std::string with_commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
    return text;
}

}  // namespace csvmill
