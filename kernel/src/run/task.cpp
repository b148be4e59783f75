#include "run/task.hpp"

#include <array>
#include <limits>
#include <utility>

#include "text/error.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

constexpr std::uint64_t max_block = std::uint64_t{1} << 30U;
constexpr std::uint64_t max_threads = 1024;

template <class T>
using Names = std::pair<Bytes, T>;

/// The value that `json`, a string, names.
template <class T, std::size_t size>
T named(const Json& json, const std::array<Names<T>, size>& names) {
    for (const auto& [name, value] : names) {
        if (json.string() == name) return value;
    }
    throw StateError("a message has an unknown name: " + json.string());
}

constexpr std::array works{
    Names<Work>{"run", Work::run},
    Names<Work>{"partial", Work::partial},
    Names<Work>{"merge", Work::merge},
    Names<Work>{"gather", Work::gather},
};
constexpr std::array encodings{
    Names<Encoding>{"utf-8", Encoding::utf_8},
    Names<Encoding>{"utf-16-le", Encoding::utf_16_le},
    Names<Encoding>{"utf-16-be", Encoding::utf_16_be},
    Names<Encoding>{"latin-1", Encoding::latin_1},
    Names<Encoding>{"windows-1252", Encoding::windows_1252},
};
constexpr std::array line_ends{Names<bool>{"lf", false}, Names<bool>{"cr", true}};
constexpr std::array truncations{
    Names<Truncation>{"day", Truncation::day},
    Names<Truncation>{"week", Truncation::week},
    Names<Truncation>{"month", Truncation::month},
    Names<Truncation>{"year", Truncation::year},
};
constexpr std::array cases{Names<Case>{"upper", Case::upper}, Names<Case>{"lower", Case::lower}};
constexpr std::array functions{
    Names<Function>{"sum", Function::sum},
    Names<Function>{"count", Function::count},
    Names<Function>{"count_distinct", Function::count_distinct},
    Names<Function>{"avg", Function::avg},
    Names<Function>{"median", Function::median},
    Names<Function>{"min", Function::min},
    Names<Function>{"max", Function::max},
    Names<Function>{"first", Function::first},
    Names<Function>{"last", Function::last},
};
constexpr std::array kinds{
    Names<Kind>{"integer", Kind::integer},
    Names<Kind>{"number", Kind::number},
    Names<Kind>{"date", Kind::date},
    Names<Kind>{"text", Kind::text},
};
constexpr std::array operators{
    Names<Operator>{"=", Operator::eq},
    Names<Operator>{"!=", Operator::ne},
    Names<Operator>{"<", Operator::lt},
    Names<Operator>{"<=", Operator::le},
    Names<Operator>{">", Operator::gt},
    Names<Operator>{">=", Operator::ge},
    Names<Operator>{"in", Operator::in},
    Names<Operator>{"contains", Operator::contains},
    Names<Operator>{"starts_with", Operator::starts_with},
    Names<Operator>{"is_empty", Operator::is_empty},
};
constexpr std::array formats{
    Names<RowFormat>{"csv", RowFormat::csv},
    Names<RowFormat>{"jsonl", RowFormat::jsonl},
};

std::uint64_t number_in(const Json& json, std::uint64_t least, std::uint64_t most) {
    const std::int64_t value = json.integer();
    if (value < 0 || static_cast<std::uint64_t>(value) < least ||
        static_cast<std::uint64_t>(value) > most) {
        throw StateError("a message has a number out of range: " + std::to_string(value));
    }
    return static_cast<std::uint64_t>(value);
}

std::uint64_t number(const Json& json) {
    return number_in(json, 0, std::numeric_limits<std::int64_t>::max());
}

std::uint32_t position(const Json& json) {
    return static_cast<std::uint32_t>(number_in(json, 0, column_limit - 1));
}

std::vector<std::string> strings(const Json& json) {
    std::vector<std::string> texts;
    for (const Json& each : json.array()) texts.push_back(each.string());
    return texts;
}

/// A text of one character that is not a line end, or none.
std::string character(const Json& json, bool required) {
    const std::string& text = json.string();
    if (text.empty() && !required) return text;
    if (text.empty() || decode_utf8(text, 0).length != text.size() || text == "\n" ||
        text == "\r") {
        throw StateError("a message has something else than one character: " + text);
    }
    return text;
}

Dialect parse_dialect(const Json& json) {
    Dialect dialect;
    dialect.delimiter = character(json["delimiter"], true);
    dialect.quote = character(json["quote"], false);
    dialect.escape = character(json["escape"], false);
    dialect.header = json["header"].boolean();
    dialect.line_end_cr = named(json["line_end"], line_ends);
    dialect.sep_line = json["sep_line"].boolean();
    dialect.encoding = named(json["encoding"], encodings);
    if (dialect.delimiter == dialect.quote || dialect.delimiter == dialect.escape) {
        throw StateError("a message has a delimiter that is a quote or escape character");
    }
    return dialect;
}

GroupColumn parse_group_column(const Json& json) {
    GroupColumn group;
    group.column = position(json["column"]);
    group.trim = json["trim"].boolean();
    if (!json["truncate"].is_null()) group.truncate = named(json["truncate"], truncations);
    if (!json["case"].is_null()) group.letters = named(json["case"], cases);
    return group;
}

/// Whether a function reads its column as `kind`.
bool reads(Function function, Kind kind) {
    const bool number = kind == Kind::number;
    const bool text = kind == Kind::text;
    switch (function) {
        case Function::sum:
        case Function::avg:
        case Function::median:
            return number || kind == Kind::integer;
        case Function::count:
        case Function::first:
        case Function::last:
            return text;
        case Function::count_distinct:
            return number || text;
        case Function::min:
        case Function::max:
            return true;
    }
    return false;
}

Aggregate parse_aggregate(const Json& json) {
    Aggregate aggregate;
    aggregate.function = named(json["function"], functions);
    if (!json["column"].is_null()) aggregate.column = position(json["column"]);
    aggregate.kind = named(json["kind"], kinds);
    aggregate.strict = json["strict"].boolean();
    aggregate.output = named(json["output"], kinds);
    if (!aggregate.column && aggregate.function != Function::count) {
        throw StateError("a message has a function without a column");
    }
    if (!reads(aggregate.function, aggregate.kind)) {
        throw StateError("a message has a function of a kind that it does not read");
    }
    return aggregate;
}

std::optional<Restriction> parse_restriction(const Json& json, std::uint64_t columns);

std::vector<Restriction> parse_parts(const Json& json, std::uint64_t columns) {
    std::vector<Restriction> parts;
    for (const Json& each : json.array()) {
        auto part = parse_restriction(each, columns);
        if (!part) throw StateError("a message has null within a restriction");
        parts.push_back(std::move(*part));
    }
    return parts;
}

/// `columns`: the number of columns that there may be.
std::optional<Restriction> parse_restriction(const Json& json, std::uint64_t columns) {
    if (json.is_null()) return std::nullopt;
    Restriction restriction;
    if (json.has("all")) {
        restriction.form = Restriction::Form::all;
        restriction.parts = parse_parts(json["all"], columns);
        return restriction;
    }
    if (json.has("any")) {
        restriction.form = Restriction::Form::any;
        restriction.parts = parse_parts(json["any"], columns);
        return restriction;
    }
    restriction.column = position(json["column"]);
    restriction.op = named(json["op"], operators);
    restriction.kind = named(json["kind"], kinds);
    restriction.values = strings(json["values"]);
    if (restriction.column >= columns) throw StateError("a message has an unknown column");
    const std::size_t count = restriction.values.size();
    const bool fits = restriction.op == Operator::is_empty ? count == 0
                      : restriction.op == Operator::in     ? count > 0
                                                           : count == 1;
    if (!fits) throw StateError("a message has a condition with too few or many values");
    return restriction;
}

Notation parse_notation(const Json& json) {
    Notation notation;
    const std::string& decimal = json["decimal"].string();
    const std::string& thousands = json["thousands"].string();
    if ((decimal != "." && decimal != ",") || thousands.size() > 1 || thousands == decimal) {
        throw StateError("a message has an unknown notation of numbers");
    }
    notation.decimal = decimal.front();
    if (!thousands.empty()) notation.thousands = thousands.front();
    return notation;
}

Range parse_range(const Json& json, std::optional<std::uint64_t> size) {
    Range range;
    range.begin = number(json["begin"]);
    if (!json["end"].is_null()) range.end = number(json["end"]);
    range.cut = json["cut"].boolean();
    const std::uint64_t end = range.end.value_or(size.value_or(range.begin));
    if (end < range.begin || (size && end > *size)) {
        throw StateError("a message has a range that is not one of the file");
    }
    if (range.begin > 0) {
        const Json& header = json["header"];
        range.header_line = number(header["line"]);
        range.names = strings(header["fields"]);
        if (range.names.empty() || range.names.size() > column_limit) {
            throw StateError("a message has a header with too few or many columns");
        }
    }
    return range;
}

}  // namespace

Task Task::parse(Bytes line) {
    const Json json = Json::parse(line);
    Task task;
    if (!json["path"].is_null()) task.path = json["path"].string();
    if (!json["size"].is_null()) task.size = number(json["size"]);
    task.memory = number(json["memory"]);
    task.scratch = number(json["scratch"]);
    task.threads = static_cast<std::uint32_t>(number_in(json["threads"], 1, max_threads));
    task.block = number_in(json["block"], 1, max_block);
    if (json.has("groups") && !json["groups"].is_null()) task.groups = number(json["groups"]);
    task.dialect = parse_dialect(json["dialect"]);
    task.vectors = json["vectors"].boolean();
    task.skip = json["skip"].boolean();
    task.confine = json["confine"].boolean();
    if (json.has("work")) task.work = named(json["work"], works);
    if (task.work == Work::partial) task.range = parse_range(json, task.size);
    if (task.reads_states()) task.states = strings(json["states"]);
    return task;
}

Query parse_query(const Json& json) {
    Query query;
    for (const Json& each : json["group_by"].array()) {
        query.group_by.push_back(parse_group_column(each));
    }
    for (const Json& each : json["aggregates"].array()) {
        query.aggregates.push_back(parse_aggregate(each));
    }
    query.names = strings(json["names"]);
    const std::size_t columns = query.group_by.size() + query.aggregates.size();
    if (query.names.size() != columns) throw StateError("a message has too few or many names");
    query.where = parse_restriction(json["where"], column_limit);
    query.having = parse_restriction(json["having"], columns);
    for (const Json& each : json["order_by"].array()) {
        const OrderKey key{position(each["column"]), each["descending"].boolean()};
        if (key.column >= columns) throw StateError("a message has an unknown column");
        query.order_by.push_back(key);
    }
    if (!json["limit"].is_null()) query.limit = number(json["limit"]);
    query.format = named(json["format"], formats);
    query.notation = parse_notation(json);
    query.skip = json["skip"].boolean();
    query.hints = json["hints"].boolean();
    return query;
}

}  // namespace csvmill
