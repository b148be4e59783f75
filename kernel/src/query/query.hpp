/// The aggregation, resolved: columns are positions from 0 in the header. The service has checked
/// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "values/date.hpp"
#include "values/notation.hpp"

namespace csvmill {

enum class Case { none, upper, lower };

struct GroupColumn {
    std::uint32_t column = 0;
    bool trim = false;                   ///< First.
    std::optional<Truncation> truncate;  ///< Second; an empty text stays empty.
    Case letters = Case::none;           ///< Third.
    bool plain() const { return !trim && !truncate && letters == Case::none; }
};

enum class Function { sum, count, count_distinct, avg, median, min, max, first, last };

struct Aggregate {
    Function function = Function::count;
    std::optional<std::uint32_t> column;  ///< None: `count` counts rows.
    Kind kind = Kind::text;               ///< As which its cells are read.
    bool strict = false;                  ///< Whether an empty cell is an error.
    Kind output = Kind::integer;          ///< The kind of the result.
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
};

struct OrderKey {
    std::uint32_t column = 0;  ///< Of the output.
    bool descending = false;
};

enum class RowFormat { csv, jsonl };

struct Query {
    std::vector<GroupColumn> group_by;
    std::vector<Aggregate> aggregates;
    std::optional<Restriction> where;
    std::optional<Restriction> having;
    std::vector<OrderKey> order_by;
    std::optional<std::uint64_t> limit;
    std::vector<std::string> names;  ///< Of the output columns: group columns, then aggregates.
    RowFormat format = RowFormat::csv;
    Notation notation;
    bool skip = false;  ///< Whether bad records are left out and kept, or fail the job.
    bool hints = true;  ///< Whether messages about cells suggest other settings.

    /// The kind of an output column.
    Kind kind_of(std::size_t output) const {
        return output < group_by.size() ? Kind::text : aggregates[output - group_by.size()].output;
    }
    bool numeric(std::size_t output) const {
        return kind_of(output) == Kind::integer || kind_of(output) == Kind::number;
    }
};

}  // namespace csvmill
