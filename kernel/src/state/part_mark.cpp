#include "state/part_mark.hpp"

#include "state/checksum.hpp"
#include "state/encoding.hpp"
#include "state/state_file.hpp"

namespace csvmill {

namespace {

template <class Enum>
void append_enum(std::string& to, Enum value) {
    append_varint(to, static_cast<std::uint64_t>(value));
}

/// 0 for none.
template <class T>
void append_optional(std::string& to, const std::optional<T>& value) {
    append_varint(to, value ? 1 + static_cast<std::uint64_t>(*value) : 0);
}

using Numbers = std::vector<std::uint32_t>;

void append_column(std::string& to, std::uint32_t column, const Numbers& numbers) {
    append_varint(to, numbers.empty() ? column : numbers.at(column));
}

void append_restriction(std::string& to, const Restriction& restriction, const Numbers& numbers) {
    append_enum(to, restriction.form);
    if (restriction.form == Restriction::Form::comparison) {
        append_column(to, restriction.column, numbers);
    }
    append_varint(to, restriction.negated ? 1 : 0);
    append_enum(to, restriction.op);
    append_enum(to, restriction.kind);
    append_varint(to, restriction.values.size());
    for (const std::string& value : restriction.values) append_text(to, value);
    append_varint(to, restriction.parts.size());
    for (const Restriction& part : restriction.parts) append_restriction(to, part, numbers);
}

void append_query(std::string& to, const Query& query) {
    append_varint(to, query.group_by.size());
    for (const GroupColumn& group : query.group_by) {
        append_column(to, group.column, query.numbers);
        append_varint(to, group.trim ? 1 : 0);
        append_optional(to, group.truncate);
        append_enum(to, group.letters);
        append_optional(to, group.part);
        append_varint(to, group.substring ? group.substring->first : 0);
        append_varint(to, group.substring ? group.substring->count : 0);
        append_text(to, group.match ? group.match->mark() : "");
        append_varint(to, group.nfc ? 1 : 0);
    }
    append_varint(to, query.aggregates.size());
    for (const Aggregate& aggregate : query.aggregates) {
        append_enum(to, aggregate.function);
        append_varint(to, aggregate.column ? 1 : 0);
        if (aggregate.column) append_column(to, *aggregate.column, query.numbers);
        append_enum(to, aggregate.kind);
        append_varint(to, aggregate.strict ? 1 : 0);
        append_enum(to, aggregate.operation);
        if (aggregate.operation != Operation::none) {
            append_column(to, aggregate.operand, query.numbers);
        }
        append_varint(to, aggregate.where ? 1 : 0);
        if (aggregate.where) append_restriction(to, *aggregate.where, query.numbers);
        append_varint(to, aggregate.p.digits);
        append_varint(to, aggregate.p.decimals);
    }
    append_varint(to, query.where ? 1 : 0);
    if (query.where) append_restriction(to, *query.where, query.numbers);
    append_varint(to, static_cast<unsigned char>(query.notation.decimal));
    append_varint(to, static_cast<unsigned char>(query.notation.thousands));
    const Decorations& allowed = query.notation.allowed;
    for (const bool each : {allowed.currency, allowed.percent, allowed.parentheses}) {
        append_varint(to, each ? 1 : 0);
    }
    append_text(to, query.dates.text());
    append_varint(to, query.nulls.list().size());
    for (const std::string& text : query.nulls.list()) append_text(to, text);
    append_varint(to, query.skip ? 1 : 0);
    append_varint(to, query.hints ? 1 : 0);
}

void append_dialect(std::string& to, const Dialect& dialect) {
    for (const std::string* text : {&dialect.delimiter, &dialect.quote, &dialect.escape}) {
        append_text(to, *text);
    }
    append_varint(to, dialect.header ? 1 : 0);
    append_varint(to, dialect.line_end_cr ? 1 : 0);
    append_varint(to, dialect.sep_line ? 1 : 0);
    for (const std::uint64_t number :
         {dialect.skip_lines, dialect.header_line, dialect.footer_lines, std::uint64_t{dialect.pad},
          std::uint64_t{dialect.truncate}, std::uint64_t{dialect.trailing_delimiters}}) {
        append_varint(to, number);
    }
    for (const std::string* text :
         {&dialect.header_starts_with, &dialect.comment, &dialect.footer}) {
        append_text(to, *text);
    }
    append_enum(to, dialect.encoding);
}

}  // namespace

std::uint64_t input_mark(const Query& query, const Layout& layout) {
    std::string text;
    append_query(text, query);
    return checksum(text, mark_of(layout));
}

std::uint64_t part_mark(const Query& query, const Dialect& dialect,
                        const std::vector<std::string>& columns, const Layout& layout) {
    std::string text;
    append_dialect(text, dialect);
    append_query(text, query);
    for (const std::string& name : columns) append_text(text, name);
    return checksum(text, mark_of(layout));
}

}  // namespace csvmill
