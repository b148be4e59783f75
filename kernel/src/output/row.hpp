/// The bytes of a row.
#pragma once

#include <string>
#include <vector>

#include "query/query.hpp"
#include "text/bytes.hpp"

namespace csvmill {

using Row = std::vector<std::string>;  ///< A text for each column of the output.

/// Appends a line of CSV that ends in LF: a field with a comma, a quote, CR or LF is quoted, and an
/// empty field that is the only one.
void append_csv(std::string& to, const std::vector<Bytes>& fields);

/// Encodes rows of a result in the format of the query.
class RowEncoder {
public:
    explicit RowEncoder(const Query& query);
    /// What precedes all rows: the names in CSV, nothing in JSON lines.
    std::string header() const;
    /// Appends a row. In CSV, texts that a spreadsheet may take for formulas get an apostrophe if
    /// the query says so. In JSON lines numbers are numbers, an aggregate without a value is null,
    /// and texts are escaped as Python's `json.dumps(text, ensure_ascii=False)`.
    void append(std::string& to, const Row& row) const;

    /// The same cell by cell, in order: `begin_cell`, append the text of the cell, `end_cell` with
    /// the size of `to` before that text. After the last cell: `end_row`.
    void begin_cell(std::string& to, std::size_t column) const;
    void end_cell(std::string& to, std::size_t column, std::size_t start) const;
    void end_row(std::string& to) const;

private:
    void end_text(std::string& to, std::size_t start) const;

    const Query& query_;
    std::vector<std::string> before_;  ///< What precedes each cell.
    std::vector<bool> numeric_;
};

}  // namespace csvmill
