#include "run/task.hpp"

#include <array>
#include <utility>

#include "run/message_values.hpp"
#include "run/parse_aggregate.hpp"
#include "run/parse_pattern.hpp"
#include "text/error.hpp"
#include "text/transcode.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

constexpr std::uint64_t max_block = std::uint64_t{1} << 30U;
constexpr std::uint64_t max_threads = 1024;
constexpr std::uint64_t max_inputs = 1 << 20;

constexpr std::array works{
    Names<Work>{"run", Work::run},
    Names<Work>{"partial", Work::partial},
    Names<Work>{"merge", Work::merge},
    Names<Work>{"gather", Work::gather},
};
constexpr std::array wide_encodings{
    Names<Encoding>{"utf-8", Encoding::utf_8},
    Names<Encoding>{"utf-16-le", Encoding::utf_16_le},
    Names<Encoding>{"utf-16-be", Encoding::utf_16_be},
};
constexpr std::array line_ends{Names<bool>{"lf", false}, Names<bool>{"cr", true}};
constexpr std::array truncations{
    Names<Truncation>{"day", Truncation::day},
    Names<Truncation>{"week", Truncation::week},
    Names<Truncation>{"month", Truncation::month},
    Names<Truncation>{"year", Truncation::year},
    Names<Truncation>{"hour", Truncation::hour},
    Names<Truncation>{"quarter", Truncation::quarter},
};
constexpr std::array cases{Names<Case>{"upper", Case::upper}, Names<Case>{"lower", Case::lower}};
constexpr std::array normal_forms{Names<bool>{"nfc", true}};
constexpr std::array date_parts{
    Names<DatePart>{"year", DatePart::year},       Names<DatePart>{"month", DatePart::month},
    Names<DatePart>{"day", DatePart::day},         Names<DatePart>{"hour", DatePart::hour},
    Names<DatePart>{"weekday", DatePart::weekday},
};
constexpr std::array decorations{
    Names<bool Decorations::*>{"currency", &Decorations::currency},
    Names<bool Decorations::*>{"percent", &Decorations::percent},
    Names<bool Decorations::*>{"parentheses", &Decorations::parentheses},
};
constexpr std::array formats{
    Names<RowFormat>{"csv", RowFormat::csv},
    Names<RowFormat>{"jsonl", RowFormat::jsonl},
};

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

Encoding parse_encoding(const Json& json) {
    for (std::size_t i = 0; i < single_byte_encodings.size(); ++i) {
        if (json.string() == single_byte_encodings[i].name) {
            return static_cast<Encoding>(static_cast<std::size_t>(Encoding::latin_1) + i);
        }
    }
    for (std::size_t i = 0; i < multi_byte_encodings.size(); ++i) {
        if (json.string() == multi_byte_encodings[i]->name) {
            return static_cast<Encoding>(static_cast<std::size_t>(Encoding::shift_jis) + i);
        }
    }
    return named(json, wide_encodings);
}

Dialect parse_dialect(const Json& json) {
    Dialect dialect;
    dialect.delimiter = character(json["delimiter"], true);
    dialect.quote = character(json["quote"], false);
    dialect.escape = character(json["escape"], false);
    dialect.header = json["header"].boolean();
    dialect.line_end_cr = named(json["line_end"], line_ends);
    dialect.sep_line = json["sep_line"].boolean();
    dialect.encoding = parse_encoding(json["encoding"]);
    dialect.skip_lines = number(json["skip_lines"]);
    dialect.header_line = json["header_line"].is_null() ? 0 : number(json["header_line"]);
    dialect.header_starts_with = json["header_starts_with"].string();
    dialect.comment = json["comment"].string();
    dialect.footer = json["footer"].string();
    dialect.footer_lines = number(json["footer_lines"]);
    dialect.pad = json["pad"].boolean();
    dialect.truncate = json["truncate"].boolean();
    dialect.trailing_delimiters = json["trailing_delimiters"].boolean();
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
    if (is_set(json, "part")) group.part = named(json["part"], date_parts);
    if (is_set(json, "substring")) {
        const auto& place = json["substring"].array();
        if (place.size() != 2) throw StateError("a message has a substring without two numbers");
        group.substring = Substring{number(place[0]), number(place[1])};
    }
    if (is_set(json, "match")) group.match = parse_pattern(json["match"]);
    if (is_set(json, "normalize")) group.nfc = named(json["normalize"], normal_forms);
    return group;
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
    if (json.has("decorations")) {
        for (const Json& each : json["decorations"].array()) {
            notation.allowed.*named(each, decorations) = true;
        }
    }
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

Input parse_input(const Json& json) {
    return {static_cast<std::uint32_t>(number_in(json["number"], 0, max_inputs - 1)),
            json["name"].string(), number(json["before"])};
}

std::vector<std::uint32_t> parse_numbers(const Json& json) {
    std::vector<std::uint32_t> numbers;
    for (const Json& each : json.array()) numbers.push_back(position(each));
    return numbers;
}

}  // namespace

Task Task::parse(Bytes line) {
    const Json json = Json::parse(line);
    Task task;
    if (!json["path"].is_null()) task.path = json["path"].string();
    if (!json["size"].is_null()) task.size = number(json["size"]);
    task.memory = number(json["memory"]);
    task.scratch = number(json["scratch"]);
    task.rejects = number(json["rejects"]);
    task.threads = static_cast<std::uint32_t>(number_in(json["threads"], 1, max_threads));
    task.block = number_in(json["block"], 1, max_block);
    if (json.has("groups") && !json["groups"].is_null()) task.groups = number(json["groups"]);
    task.dialect = parse_dialect(json["dialect"]);
    task.vectors = json["vectors"].boolean();
    task.skip = json["skip"].boolean();
    task.confine = json["confine"].boolean();
    if (json.has("work")) task.work = named(json["work"], works);
    if (task.work == Work::partial) task.range = parse_range(json, task.size);
    if (task.work == Work::partial && is_set(json, "input")) {
        task.input = parse_input(json["input"]);
    }
    if (task.reads_states()) task.states = strings(json["states"]);
    if (task.reads_states() && is_set(json, "files")) task.files = strings(json["files"]);
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
    for (const Aggregate& aggregate : query.aggregates) {
        for (const std::uint32_t of : aggregate.of) {
            if (of >= query.aggregates.size() ||
                (aggregate.function == Function::ratio &&
                 query.aggregates[of].function == Function::ratio)) {
                throw StateError("a message has a ratio of unknown aggregates");
            }
        }
    }
    query.names = strings(json["names"]);
    const std::size_t columns = query.group_by.size() + query.aggregates.size();
    if (query.names.size() != columns) throw StateError("a message has too few or many names");
    query.where = parse_restriction(json["where"], numbered_columns);
    query.having = parse_restriction(json["having"], columns);
    for (const Json& each : json["order_by"].array()) {
        const OrderKey key{position(each["column"]), each["descending"].boolean()};
        if (key.column >= columns) throw StateError("a message has an unknown column");
        query.order_by.push_back(key);
    }
    if (!json["limit"].is_null()) query.limit = number(json["limit"]);
    query.format = named(json["format"], formats);
    if (json.has("escape_formulas")) query.escape_formulas = json["escape_formulas"].boolean();
    query.notation = parse_notation(json);
    if (json.has("date")) query.dates = DateFormat(json["date"].string());
    if (json.has("null")) query.nulls = NullTexts(strings(json["null"]));
    query.skip = json["skip"].boolean();
    query.hints = json["hints"].boolean();
    if (is_set(json, "constants")) {
        for (const Json& each : json["constants"].array()) {
            query.constants.push_back({each["name"].string(), each["text"].string()});
        }
    }
    if (is_set(json, "numbers")) query.numbers = parse_numbers(json["numbers"]);
    return query;
}

}  // namespace csvmill
