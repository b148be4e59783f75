/// Conversion of other encodings to UTF-8, block by block.
#pragma once

#include <array>
#include <string>

#include "csv/dialect.hpp"
#include "text/bytes.hpp"
#include "text/multi_byte_tables.hpp"
#include "text/single_byte_tables.hpp"

namespace csvmill {

/// Whether each character of an encoding has one byte.
inline bool of_single_bytes(Encoding encoding) {
    return encoding >= Encoding::latin_1 && encoding < Encoding::shift_jis;
}

/// Whether a character of an encoding has up to four bytes, and ASCII is as in UTF-8.
inline bool of_multiple_bytes(Encoding encoding) { return encoding >= Encoding::shift_jis; }

/// What a single-byte encoding is.
inline const SingleByteEncoding& single_byte_encoding(Encoding encoding) {
    const auto first = static_cast<std::size_t>(Encoding::latin_1);
    return single_byte_encodings.at(static_cast<std::size_t>(encoding) - first);
}

inline constexpr std::size_t multi_byte_encoding_count = 5;
/// In the order of `Encoding`.
inline constexpr std::array<const MultiByteEncoding*, multi_byte_encoding_count>
    multi_byte_encodings{&shift_jis, &euc_jp, &gb18030, &big5, &euc_kr};

inline std::size_t number_among_multi_byte(Encoding encoding) {
    return static_cast<std::size_t>(encoding) - static_cast<std::size_t>(Encoding::shift_jis);
}

/// What an encoding of several bytes a character is.
inline const MultiByteEncoding& multi_byte_encoding(Encoding encoding) {
    return *multi_byte_encodings.at(number_among_multi_byte(encoding));
}

/// Converts a file in one encoding to UTF-8. Invalid bytes (without a character, half a
/// surrogate pair, half a character at the end) become invalid UTF-8, exactly as
/// shared/csv/encoding.py does, so that the reader of records reports them.
class Transcoder {
public:
    explicit Transcoder(Encoding encoding);

    /// Appends the text of the next bytes of the file. Bytes of an incomplete character are kept
    /// for the next call; with `final` they become invalid UTF-8.
    void append(Bytes source, bool final, std::string& to);

    /// Whether ASCII text has the same bytes as in UTF-8.
    bool has_bytes_of_ascii() const {
        return encoding_ != Encoding::utf_16_le && encoding_ != Encoding::utf_16_be;
    }

private:
    Encoding encoding_;
    std::string pending_;
};

/// The number of bytes that `text`, now in UTF-8, has in the encoding of its file.
std::uint64_t source_length(Bytes text, Encoding encoding);

}  // namespace csvmill
