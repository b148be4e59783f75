#include "run/parse_aggregate.hpp"

#include <algorithm>

#include "run/message_values.hpp"

namespace csvmill {

namespace {

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
    Names<Function>{"variance", Function::variance},
    Names<Function>{"stddev", Function::stddev},
    Names<Function>{"percentile", Function::percentile},
    Names<Function>{"mode", Function::mode},
    Names<Function>{"concat_distinct", Function::concat_distinct},
    Names<Function>{"ratio", Function::ratio},
};
constexpr std::array operations{
    Names<Operation>{"add", Operation::add},
    Names<Operation>{"subtract", Operation::subtract},
    Names<Operation>{"multiply", Operation::multiply},
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

/// Whether a function reads its column as `kind`.
bool reads(Function function, Kind kind) {
    const bool number = kind == Kind::number;
    const bool text = kind == Kind::text;
    switch (function) {
        case Function::sum:
        case Function::avg:
        case Function::median:
        case Function::variance:
        case Function::stddev:
        case Function::percentile:
            return number || kind == Kind::integer;
        case Function::count:
        case Function::first:
        case Function::last:
        case Function::concat_distinct:
            return text;
        case Function::count_distinct:
        case Function::mode:
            return number || text;
        case Function::min:
        case Function::max:
        case Function::ratio:
            return true;
    }
    return false;
}

constexpr std::uint32_t most_decimals_of_percentage = 6;

/// Such as "99.9".
Percentage parse_percentage(const Json& json) {
    const std::string& text = json.string();
    const std::size_t point = std::min(text.find('.'), text.size());
    Percentage p{0, static_cast<std::uint32_t>(text.size() - std::min(point + 1, text.size()))};
    bool good = !text.empty() && p.decimals <= most_decimals_of_percentage && point <= 3;
    for (std::size_t i = 0; good && i < text.size(); ++i) {
        if (i == point) continue;
        good = text[i] >= '0' && text[i] <= '9';
        p.digits = p.digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
    }
    std::uint64_t most = 100;
    for (std::uint32_t i = 0; i < p.decimals; ++i) most *= 10;
    if (!good || p.digits > most) throw StateError("a message has a wrong percentage: " + text);
    return p;
}

/// The keys that only some aggregates have.
void parse_options(const Json& json, Aggregate& aggregate) {
    if (is_set(json, "operator")) {
        aggregate.operation = named(json["operator"], operations);
        aggregate.operand = position(json["operand"]);
    }
    if (json.has("where")) aggregate.where = parse_restriction(json["where"], numbered_columns);
    if (aggregate.function == Function::percentile) aggregate.p = parse_percentage(json["p"]);
    if (aggregate.function == Function::concat_distinct) {
        aggregate.separator = json["separator"].string();
    }
    if (aggregate.function != Function::ratio) return;
    const auto& of = json["of"].array();
    if (of.size() != aggregate.of.size())
        throw StateError("a message has a ratio without two numbers");
    for (std::size_t i = 0; i < of.size(); ++i) aggregate.of[i] = position(of[i]);
}

std::vector<Restriction> parse_parts(const Json& json, std::uint64_t columns) {
    std::vector<Restriction> parts;
    for (const Json& each : json.array()) {
        auto part = parse_restriction(each, columns);
        if (!part) throw StateError("a message has null within a restriction");
        parts.push_back(std::move(*part));
    }
    return parts;
}

}  // namespace

Aggregate parse_aggregate(const Json& json) {
    Aggregate aggregate;
    aggregate.function = named(json["function"], functions);
    if (!json["column"].is_null()) aggregate.column = position(json["column"]);
    aggregate.kind = named(json["kind"], kinds);
    aggregate.strict = json["strict"].boolean();
    aggregate.output = named(json["output"], kinds);
    parse_options(json, aggregate);
    if (!aggregate.column && aggregate.function != Function::count &&
        aggregate.function != Function::ratio) {
        throw StateError("a message has a function without a column");
    }
    if (!reads(aggregate.function, aggregate.kind)) {
        throw StateError("a message has a function of a kind that it does not read");
    }
    const bool numbers = aggregate.kind == Kind::integer || aggregate.kind == Kind::number;
    if (aggregate.operation != Operation::none && (!aggregate.column || !numbers)) {
        throw StateError("a message has an operation on something else than numbers");
    }
    return aggregate;
}

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
    if (json.has("negated")) restriction.negated = json["negated"].boolean();
    if (restriction.column >= columns) throw StateError("a message has an unknown column");
    const std::size_t count = restriction.values.size();
    const bool fits = restriction.op == Operator::is_empty ? count == 0
                      : restriction.op == Operator::in     ? count > 0
                                                           : count == 1;
    if (!fits) throw StateError("a message has a condition with too few or many values");
    const bool opposite = restriction.op <= Operator::ge;
    if (restriction.negated && opposite) {
        throw StateError("a message has a negated condition whose operator has an opposite");
    }
    return restriction;
}

}  // namespace csvmill
