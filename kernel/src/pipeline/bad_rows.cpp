#include "pipeline/bad_rows.hpp"

#include <algorithm>

#include "pipeline/header.hpp"
#include "text/show.hpp"
#include "text/transcode.hpp"

namespace csvmill {

void ProblemMaker::report(std::vector<BadRow>& rows, Bytes data, bool final, BlockStart start,
                          Problems& problems) const {
    std::ranges::sort(rows, {}, &BadRow::at);
    const Dialect& dialect = reader_.dialect();
    std::size_t taken = 0;
    for (const BadRow& row : rows) {
        if (!query_.skip && problems.first().size() >= shown_problems) break;
        const Bytes before = data.substr(start.at, row.at - start.at);
        start.line += static_cast<std::uint64_t>(std::ranges::count(before, dialect.newline()));
        start.offset += source_length(before, dialect.encoding);
        start.at = row.at;
        std::size_t end = 0;
        Fault fault = fault_of(row, data, final, start.line, end);
        Problem problem{start.line,
                        start.offset,
                        fault.column,
                        name_of(names_, fault.column),
                        std::move(fault.found),
                        std::move(fault.expected)};
        if (const Constant* constant = constant_of(row)) {
            problem.name = name_of({constant->name}, 1);
        }
        const Bytes record = data.substr(row.at, std::min(end - row.at, kept_record + 2));
        const bool whole = record.size() == end - row.at;
        problems.take(std::move(problem),
                      (whole ? reader_.without_line_end(record) : record).substr(0, kept_record));
        ++taken;
    }
    problems.count_more(rows.size() - taken);
}

const Constant* ProblemMaker::constant_of(const BadRow& row) const {
    if (row.check != BadRow::Check::cell || row.fault.column < names_.size()) return nullptr;
    return &query_.constants[row.fault.column - names_.size()];
}

Fault ProblemMaker::fault_of(const BadRow& row, Bytes data, bool final, std::uint64_t line,
                             std::size_t& end) const {
    std::vector<Field> fields;
    Fault fault;
    reader_.read(data, row.at, final, line, fields, end, &fault);
    if (row.check == BadRow::Check::reader) return fault;
    const auto text_of = [&](const Field& field) {
        const Bytes text = data.substr(field.begin, field.end - field.begin);
        std::string value;
        if (field.escaped) {
            reader_.unescape(text, value);
        } else {
            value = text;
        }
        return value;
    };
    if (row.check == BadRow::Check::width) {
        std::vector<std::string> texts;
        texts.reserve(fields.size());
        for (const Field& field : fields) texts.push_back(text_of(field));
        const bool quote_in_text = std::ranges::any_of(
            fields, [&](const Field& field) { return reader_.has_quote_in_text(data, field); });
        return reader_.ragged(texts, names_.size(), quote_in_text);
    }
    if (const Constant* constant = constant_of(row)) {
        return {std::nullopt, show(constant->text), expectation(row.fault, constant->text, query_)};
    }
    // A record that was filled has fewer fields.
    const std::size_t column = row.fault.column;
    const std::string cell = column < fields.size() ? text_of(fields[column]) : "";
    return {row.fault.column + 1, show(cell), expectation(row.fault, cell, query_)};
}

}  // namespace csvmill
