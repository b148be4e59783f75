/// The aggregation, resolved: columns are positions from 0 in the header. The service has checked
/// it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "query/null_texts.hpp"
#include "text/pattern.hpp"
#include "values/date_format.hpp"
#include "values/notation.hpp"

namespace csvmill {

enum class Case { none, upper, lower };

/// Characters of a text.
struct Substring {
    std::uint64_t first = 1;  ///< Counted from 1.
    std::uint64_t count = 0;
};

/// A group column. At most one of `truncate`, `part`, `substring`, `match` and `nfc` is set.
struct GroupColumn {
    std::uint32_t column = 0;
    bool trim = false;                                  ///< First.
    std::optional<Truncation> truncate = std::nullopt;  ///< Second; an empty text stays empty.
    Case letters = Case::none;                          ///< Third.
    std::optional<DatePart> part = std::nullopt;
    std::optional<Substring> substring = std::nullopt;
    std::shared_ptr<const Pattern> match = nullptr;
    bool nfc = false;  ///< Normalization Form C of Unicode, before `letters`.
    bool plain() const {
        return !trim && !truncate && letters == Case::none && !part && !substring && !match && !nfc;
    }
};

enum class Function {
    sum,
    count,
    count_distinct,
    avg,
    median,
    min,
    max,
    first,
    last,
    variance,
    stddev,
    percentile,
    mode,
    concat_distinct,
    ratio
};

enum class Operator { eq, ne, lt, le, gt, ge, in, contains, starts_with, is_empty };

/// A condition, or several that are evaluated from left to right until the outcome is known.
struct Restriction {
    enum class Form { comparison, all, any };
    Form form = Form::comparison;
    std::vector<Restriction> parts;  ///< Of `all` (and) and `any` (or).
    std::uint32_t column = 0;        ///< Of the file; for `having`, of the output.
    Operator op = Operator::eq;
    Kind kind = Kind::text;
    std::vector<std::string> values;  ///< In the canonical notation; several only for `in`.
    /// Of `in`, `contains`, `starts_with` and `is_empty`: whether it holds where they do not. It
    /// does not hold either for an empty cell that is compared as a number or date.
    bool negated = false;

    /// Of a comparison of texts with `=`, `!=` or `in`: whether it holds for all other texts.
    bool excludes() const { return op == Operator::ne || negated; }
};

/// What is computed from the numbers of two columns.
enum class Operation { none, add, subtract, multiply };

/// A percentage: `digits * 10^-decimals`, up to 100.
struct Percentage {
    std::uint64_t digits = 50;
    std::uint32_t decimals = 0;
};

struct Aggregate {
    Function function = Function::count;
    /// None: `count` counts rows; `ratio` reads none.
    std::optional<std::uint32_t> column = std::nullopt;
    Kind kind = Kind::text;       ///< As which its cells are read.
    bool strict = false;          ///< Whether an empty cell is an error.
    Kind output = Kind::integer;  ///< The kind of the result.
    Operation operation = Operation::none;
    std::uint32_t operand = 0;                        ///< The second column of an operation.
    std::optional<Restriction> where = std::nullopt;  ///< The rows from which it is computed.
    Percentage p = {};                                ///< Of `percentile`.
    /// Of `concat_distinct`. GCC warns of members without an initializer that are left out.
    std::string separator = {};               // NOLINT(readability-redundant-member-init)
    std::array<std::uint32_t, 2> of{{0, 0}};  ///< The aggregates that `ratio` divides.

    /// Whether it reads the cells of all rows in one column.
    bool reads_all_of_column() const { return column && operation == Operation::none && !where; }

    /// Whether it is the sum of a column.
    bool sums_column() const { return function == Function::sum && reads_all_of_column(); }

    /// Whether its numbers are multiplied, so that those of `is_long` are bad.
    bool multiplies() const {
        return function == Function::variance || function == Function::stddev ||
               operation == Operation::multiply;
    }
};

struct OrderKey {
    std::uint32_t column = 0;  ///< Of the output.
    bool descending = false;
};

enum class RowFormat { csv, jsonl };

/// A column that is not in the file: its cells all have the same text.
struct Constant {
    std::string name;
    std::string text;
};

struct Query {
    std::vector<GroupColumn> group_by;
    std::vector<Aggregate> aggregates;
    std::optional<Restriction> where;
    std::optional<Restriction> having;
    std::vector<OrderKey> order_by;
    std::optional<std::uint64_t> limit;
    std::vector<std::string> names;  ///< Of the output columns: group columns, then aggregates.
    RowFormat format = RowFormat::csv;
    bool escape_formulas = false;  ///< Whether texts of CSV get an apostrophe before `=` and so on.
    Notation notation;
    DateFormat dates;
    NullTexts nulls;
    bool skip = false;  ///< Whether bad records are left out and kept, or fail the job.
    bool hints = true;  ///< Whether messages about cells suggest other settings.
    std::vector<Constant> constants;  ///< The columns after those of the file.
    /// Of a file that is one of several: the numbers that its columns, and these constants, have in
    /// the aggregation of all files. Empty: their own.
    std::vector<std::uint32_t> numbers;

    /// The kind of an output column.
    Kind kind_of(std::size_t output) const {
        return output < group_by.size() ? Kind::text : aggregates[output - group_by.size()].output;
    }
    bool numeric(std::size_t output) const {
        return kind_of(output) == Kind::integer || kind_of(output) == Kind::number;
    }
};

}  // namespace csvmill
