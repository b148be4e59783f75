#include "text/transcode.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "text/collector.hpp"
#include "text/multi_byte.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

bool is_high_surrogate(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append_single_bytes(Collector& to, Bytes source, Encoding encoding) {
    const auto& characters = single_byte_encoding(encoding).characters;
    for (std::size_t at = 0; at < source.size();) {
        at = to.add_ascii(source, at);
        for (; at < source.size() && static_cast<std::uint8_t>(source[at]) >= 0x80; ++at) {
            const auto byte = static_cast<std::uint8_t>(source[at]);
            const char32_t character = characters[byte & 0x7FU];
            if (character != 0) {
                to.add(character);
            } else {
                to.add_invalid(byte);
            }
        }
    }
}

char32_t unit_at(Bytes source, std::size_t at, Encoding encoding) {
    const char32_t first = static_cast<std::uint8_t>(source[at]);
    const char32_t second = static_cast<std::uint8_t>(source[at + 1]);
    return encoding == Encoding::utf_16_le ? second << 8 | first : first << 8 | second;
}

/// Appends the ASCII text at `at` in runs of four units, and returns its end.
std::size_t append_ascii_units(Collector& to, Bytes source, std::size_t at, Encoding encoding) {
    const unsigned shift = encoding == Encoding::utf_16_le ? 0 : 8;
    while (source.size() - at >= 8) {
        std::uint64_t word;
        std::memcpy(&word, source.data() + at, sizeof word);
        if (word & ~(std::uint64_t{0x007F007F007F007F} << shift)) break;
        word >>= shift;
        word = (word | word >> 8U) & 0x0000FFFF0000FFFF;
        to.add_four(static_cast<std::uint32_t>(word | word >> 16U));
        at += 8;
    }
    return at;
}

/// Appends the whole characters of UTF-16, and returns the bytes that they have.
std::size_t append_utf_16(Collector& to, Bytes source, Encoding encoding) {
    std::size_t at = 0;
    while (source.size() - at >= 2) {
        at = append_ascii_units(to, source, at, encoding);
        // The next four units are not all ASCII, or fewer are left.
        for (int count = 0; count < 4 && source.size() - at >= 2; ++count) {
            char32_t character = unit_at(source, at, encoding);
            std::size_t length = 2;
            if (is_high_surrogate(character)) {
                if (source.size() - at < 4) return at;
                const char32_t low = unit_at(source, at + 2, encoding);
                if (is_low_surrogate(low)) {
                    character = 0x10000 + ((character & 0x3FF) << 10 | (low & 0x3FF));
                    length = 4;
                }
            }
            to.add(character);
            at += length;
        }
    }
    return at;
}

/// Appends the whole characters of `source`, and returns the bytes that they have.
std::size_t append_characters(Collector& to, Bytes source, Encoding encoding) {
    if (of_multiple_bytes(encoding)) {
        return append_multi_bytes(to, source, multi_byte_encoding(encoding));
    }
    return append_utf_16(to, source, encoding);
}

/// Created when it is first needed.
const CharacterLengths& lengths_in(Encoding encoding) {
    static const std::array<CharacterLengths, multi_byte_encoding_count> lengths{
        CharacterLengths(shift_jis), CharacterLengths(euc_jp), CharacterLengths(gb18030),
        CharacterLengths(big5), CharacterLengths(euc_kr)};
    return lengths.at(number_among_multi_byte(encoding));
}

}  // namespace

Transcoder::Transcoder(Encoding encoding) : encoding_(encoding) {}

void Transcoder::append(Bytes source, bool final, std::string& to) {
    if (encoding_ == Encoding::utf_8) {
        to += source;
        return;
    }
    Collector collector(to);
    if (of_single_bytes(encoding_)) {
        append_single_bytes(collector, source, encoding_);
        collector.flush();
        return;
    }
    // At most three bytes are pending: of UTF-16, half a surrogate pair, and half a unit.
    while (!pending_.empty() && !source.empty()) {
        const std::size_t taken = std::min(source.size(), 4 - pending_.size());
        pending_ += source.substr(0, taken);
        source.remove_prefix(taken);
        pending_.erase(0, append_characters(collector, pending_, encoding_));
    }
    if (pending_.empty()) {
        pending_ = source.substr(append_characters(collector, source, encoding_));
    }
    while (final && of_multiple_bytes(encoding_) && !pending_.empty()) {
        // The first of these bytes has no character; those that follow it may be others.
        collector.add_invalid(static_cast<std::uint8_t>(pending_[0]));
        pending_.erase(0, 1);
        pending_.erase(0, append_characters(collector, pending_, encoding_));
    }
    collector.flush();
    if (final && !pending_.empty()) {
        // Half a pair becomes a surrogate; with half a unit, all that is left becomes one byte.
        if (pending_.size() == 2) {
            append_utf8(to, unit_at(pending_, 0, encoding_));
        } else {
            to += '\xFF';
        }
        pending_.clear();
    }
}

std::uint64_t source_length(Bytes text, Encoding encoding) {
    if (encoding == Encoding::utf_8) return text.size();
    std::uint64_t length = 0;
    const bool single = of_single_bytes(encoding);
    if (single || of_multiple_bytes(encoding)) {
        if (is_ascii(text)) return text.size();
        const CharacterLengths* const lengths = single ? nullptr : &lengths_in(encoding);
        for (std::size_t at = 0; at < text.size();) {
            const Decoded next = decode_utf8(text, at);
            if (!next.valid) {
                length += next.length;  // An invalid byte is undefined in the file.
            } else {
                length += lengths == nullptr ? 1 : lengths->of(next.character);
            }
            at += next.length;
        }
        return length;
    }
    for (const char each : text) {
        const auto byte = static_cast<std::uint8_t>(each);
        length += (byte & 0xC0) != 0x80;
        length += byte >= 0xF0 && byte < 0xF8;  // A pair of surrogates.
    }
    return 2 * length;
}

}  // namespace csvmill
