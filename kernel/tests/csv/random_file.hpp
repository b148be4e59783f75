/// Random CSV files for the tests in this folder.
#pragma once

#include <iterator>
#include <random>
#include <string>

#include "csv/dialect.hpp"

namespace csvmill {

class RandomFile {
public:
    explicit RandomFile(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }
    bool one_of(std::size_t number) { return below(number) == 0; }

    /// A dialect whose blocks may be regular.
    Dialect plain_dialect() {
        Dialect dialect;
        dialect.delimiter = std::string(1, ",;\t|x"[below(5)]);
        dialect.quote = std::string("\"\"'").substr(below(3), 1);
        if (one_of(6)) dialect.quote = "";
        if (one_of(6)) dialect.escape = "\\";
        dialect.line_end_cr = one_of(5);
        return dialect;
    }

    /// Well-formed records of `width` fields; the last one may lack a line end.
    std::string records(const Dialect& dialect, std::size_t width, std::size_t number) {
        const std::size_t quoting = 1 + below(6);
        const bool crlf = !dialect.line_end_cr && one_of(3);
        std::string file;
        for (std::size_t row = 0; row < number; ++row) {
            for (std::size_t column = 0; column < width; ++column) {
                if (column > 0) file += dialect.delimiter;
                file += field(dialect, width == 1, !dialect.quote.empty() && one_of(quoting));
            }
            if (row + 1 == number && one_of(3)) break;
            if (crlf && !one_of(4)) file += '\r';
            file += dialect.newline();
        }
        return file;
    }

    /// Bytes of which most mean something in the dialect.
    std::string noise(const Dialect& dialect, std::size_t length) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) text += piece(dialect);
        return text;
    }

    /// Changes a few places of `text`.
    void damage(const Dialect& dialect, std::string& text) {
        for (std::size_t i = 1 + below(3); i > 0; --i) {
            const std::size_t at = below(text.size() + 1);
            text.replace(at, below(3), one_of(3) ? "" : piece(dialect));
        }
    }

private:
    std::string mark(const Dialect& dialect) {
        switch (below(4)) {
            case 0:
                return dialect.delimiter;
            case 1:
                return dialect.quote;
            case 2:
                return std::string(1, dialect.newline());
            default:
                return std::string(1, dialect.foreign());
        }
    }

    std::string piece(const Dialect& dialect) {
        if (one_of(12)) return std::string(1, static_cast<char>(random_()));
        if (one_of(8)) return dialect.escape;
        return one_of(3) ? character() : mark(dialect);
    }

    std::string character() {
        static const char* const characters[] = {
            "a", "b", "7", " ", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
        return characters[below(std::size(characters))];
    }

    std::string field(const Dialect& dialect, bool alone, bool quoted) {
        std::string text;
        for (std::size_t length = below(one_of(20) ? 150 : 12); length > 0; --length) {
            const std::string part = quoted && one_of(3) ? mark(dialect) : character();
            if (part != dialect.quote) {
                text += part;
            } else if (dialect.escape.empty()) {
                text += part + part;
            }
        }
        if (quoted) return dialect.quote + text + dialect.quote;
        return text.empty() && alone ? "a" : text;
    }

    std::mt19937 random_;
};

}  // namespace csvmill
