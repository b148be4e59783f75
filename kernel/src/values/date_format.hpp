/// How dates are written in the file: `DateFormat` in shared/aggregation/date_format.py, whose
/// rules and messages these are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/bytes.hpp"
#include "values/date.hpp"

namespace csvmill {

/// A way to write dates. The default is ISO 8601 without a time zone.
class DateFormat {
public:
    DateFormat() = default;

    /// `iso`, `iso_zoned`, `epoch`, `epoch_ms`, or a pattern such as `%d/%m/%Y`. Throws StateError
    /// for anything else.
    explicit DateFormat(Bytes text);

    const std::string& text() const { return text_; }

    /// Whether a cell is itself the text of its date.
    bool is_iso() const { return form_ == Form::iso || form_ == Form::iso_zoned; }
    /// Whether each date has a time zone.
    bool zoned() const { return zoned_; }
    /// Whether it is the default.
    bool is_default() const { return form_ == Form::iso; }

    /// Reads a cell. The default also accepts a time zone. Returns false, and leaves `to`
    /// unspecified, if the cell is not a date of this format.
    bool read(Bytes cell, Moment& to) const;

    /// The point in time of a cell, for comparisons: the default then accepts no zone.
    std::optional<Instant> instant(Bytes cell) const;

    /// Appends a moment that was read as ISO 8601 writes it, with what the format has. Only if not
    /// `is_iso()`.
    void append_iso(const Moment& moment, std::string& to) const;

    /// The description of a date for a message: `expected`. `truncate`: whether it is grouped by a
    /// part of it.
    std::string expected(bool truncate) const;

    /// The format of values in the query that are compared with cells.
    DateFormat of_values() const { return DateFormat(zoned_ ? "iso_zoned" : "iso"); }

private:
    enum class Form : std::uint8_t { iso, iso_zoned, epoch, epoch_ms, pattern };

    /// A directive, or a byte that stands for itself.
    struct Part {
        char directive = 0;  ///< 0 for a byte.
        char byte = 0;
        bool exact = false;  ///< Whether a number needs all its digits: others are beside it.

        bool is_digits() const;
    };
    struct Fields;

    bool has(char directive) const;
    void divide(Bytes pattern);
    bool read_pattern(Bytes cell, Moment& to) const;
    static bool take_field(Bytes& text, const Part& part, Fields& fields, Moment& to);

    std::string text_ = "iso";
    Form form_ = Form::iso;
    bool zoned_ = false;
    std::vector<Part> parts_;
};

}  // namespace csvmill
