/// The lines below the table, if their number is given.
#pragma once

#include <cstdint>
#include <string>

#include "csv/dialect.hpp"
#include "input/buffer.hpp"

namespace csvmill {

/// Holds back the last lines of a text, block by block. See `without_footer` in
/// shared/csv/table_lines.py.
class Footer {
public:
    /// The most bytes of text that are held back.
    static constexpr std::size_t limit = std::size_t{16} << 20;

    explicit Footer(const Dialect& dialect)
        : lines_(dialect.footer_lines), newline_(dialect.newline()) {}

    /// Puts what was held back before the text of a block, and holds back the last lines of both.
    void hold(Buffer& block);

    /// The number of lines that are held back at the end of the file. Throws MalformedInput if they
    /// are too long.
    std::uint64_t finish() const;

private:
    std::uint64_t lines_;
    char newline_;
    std::string held_;
    bool whole_ = true;  ///< Whether all of the last lines are held back.
};

/// The number of lines of a text, of which the last one may have no line end.
std::uint64_t line_count(Bytes text, char newline);

}  // namespace csvmill
