/// The messages about bad records: what was found, and what was expected.
///
/// `data` is the data of the reader, `start` is where the record begins, on line `line`; `at` is
/// where the field of the fault begins, or the fault itself. See shared/csv/faults.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/record_reader.hpp"

namespace csvmill {

/// Adds `lines` to the line in a message that ends with where its quote was opened.
void move_opened_line(std::string& message, std::uint64_t lines);

/// The quote at `at` has no closing quote.
Fault never_closed(const Dialect& dialect, Bytes data, std::size_t start, std::size_t at,
                   std::uint64_t line, std::uint64_t column);

/// The record exceeds the limit in the field at `at`.
Fault too_long(const Dialect& dialect, Bytes data, std::size_t start, std::size_t at,
               std::uint64_t line);

/// The record has more fields than a record may have.
Fault too_many();

/// Text at `at` follows the last of the fields, which is quoted.
Fault text_after_quote(const Dialect& dialect, const std::vector<std::string>& fields, Bytes data,
                       std::size_t at);

/// A line end of another dialect follows the last of the fields.
Fault foreign_line_end(const Dialect& dialect, const std::vector<std::string>& fields);

/// The fault of the first field that is not valid text.
std::optional<Fault> fault_of_text(const Dialect& dialect, const std::vector<std::string>& fields);

}  // namespace csvmill
