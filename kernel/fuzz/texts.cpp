#include <string>

#include "target.hpp"
#include "text/case.hpp"
#include "text/show.hpp"
#include "text/transcode.hpp"
#include "text/utf8.hpp"

namespace csvmill::fuzz {

namespace {

/// Decoding character by character agrees with the fast validation.
void check_utf8(Bytes text) {
    bool valid = true;
    bool ascii = true;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded decoded = decode_utf8(text, at);
        require(decoded.length > 0 && decoded.length <= text.size() - at);
        valid = valid && decoded.valid;
        ascii = ascii && decoded.length == 1 && decoded.valid;
        if (decoded.valid) {
            std::string again;
            append_utf8(again, decoded.character);
            require(again == text.substr(at, decoded.length));
        }
        at += decoded.length;
    }
    require(valid == is_utf8(text) && ascii == is_ascii(text));
}

std::string transcoded(Bytes source, Encoding encoding, std::size_t cut) {
    Transcoder transcoder(encoding);
    std::string text;
    transcoder.append(source.substr(0, cut), false, text);
    transcoder.append(source.substr(cut), true, text);
    return text;
}

}  // namespace

void texts(Bytes input) {
    const unsigned choice = take_choice(input);
    constexpr std::array encodings{Encoding::utf_16_le,    Encoding::utf_16_be, Encoding::latin_1,
                                   Encoding::windows_1252, Encoding::shift_jis, Encoding::euc_jp,
                                   Encoding::gb18030,      Encoding::big5,      Encoding::euc_kr};
    const Encoding encoding = encodings.at(choice < 128 ? choice & 3U : 4 + choice % 5);
    const std::size_t cut = input.empty() ? 0 : (choice >> 2U) % input.size();
    const std::string text = transcoded(input, encoding, 0);
    require(text == transcoded(input, encoding, cut));
    if (is_utf8(text) || of_multiple_bytes(encoding))
        require(source_length(text, encoding) == input.size());
    check_utf8(input);
    check_utf8(text);
    require(is_utf8(show(input)) && !show(input).empty());
    if (!is_utf8(input)) return;
    std::string changed;
    append_upper(changed, input);
    append_lower(changed, input);
    changed += repr(input);
    changed += trimmed(input);
    require(is_utf8(changed));
}

}  // namespace csvmill::fuzz
