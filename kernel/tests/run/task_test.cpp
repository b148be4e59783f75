#include <doctest/doctest.h>

#include "run/task.hpp"
#include "text/error.hpp"

using namespace csvmill;

namespace {

const std::string a_task =
    R"({"path":"in.csv","size":12,"memory":1073741824,"scratch":99,"rejects":77,"threads":2,"block":64,)"
    R"("vectors":false,"confine":true,"skip":true,"dialect":{"delimiter":";","quote":"","escape":"\\",)"
    R"("header":false,"line_end":"cr","sep_line":true,"encoding":"windows-1252",)"
    R"("skip_lines":3,"header_line":5,"header_starts_with":"Name","comment":"#","footer":"Sum",)"
    R"("footer_lines":2,"pad":true,"truncate":false,"trailing_delimiters":true}})";

const std::string a_query =
    R"({"group_by":[{"column":3,"trim":true,"truncate":"month","case":"upper","normalize":null},)"
    R"({"column":0,"trim":false,"truncate":null,"case":null,"normalize":"nfc"}],)"
    R"("aggregates":[{"function":"sum","column":2,"kind":"number","strict":true,"output":"number"},)"
    R"({"function":"count","column":null,"kind":"text","strict":false,"output":"integer"}],)"
    R"("where":{"any":[{"column":1,"op":"in","kind":"text","values":["a","b"]},)"
    R"({"all":[{"column":7,"op":"is_empty","kind":"text","values":[]}]}]},"having":null,)"
    R"("order_by":[{"column":3,"descending":true}],"limit":10,"names":["a","b","c","d"],)"
    R"("format":"jsonl","escape_formulas":true,)"
    R"("decimal":",","thousands":".","skip":true,"hints":false})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a task is read") {
    const Task task = Task::parse(a_task);
    CHECK(task.path == "in.csv");
    CHECK(task.size == 12);
    CHECK(task.memory == std::uint64_t{1} << 30U);
    CHECK(task.scratch == 99);
    CHECK(task.rejects == 77);
    CHECK(task.threads == 2);
    CHECK(task.block == 64);
    CHECK_FALSE(task.vectors);
    CHECK(task.confine);
    CHECK(task.skip);
    CHECK(task.dialect.delimiter == ";");
    CHECK(task.dialect.quote.empty());
    CHECK(task.dialect.escape == "\\");
    CHECK_FALSE(task.dialect.header);
    CHECK(task.dialect.line_end_cr);
    CHECK(task.dialect.sep_line);
    CHECK(task.dialect.lines_above() == 4);
    CHECK(task.dialect.header_starts_with == "Name");
    CHECK(task.dialect.comment == "#");
    CHECK(task.dialect.footer == "Sum");
    CHECK(task.dialect.footer_lines == 2);
    CHECK(task.dialect.pad);
    CHECK(!task.dialect.truncate);
    CHECK(task.dialect.trailing_delimiters);
    CHECK(task.dialect.encoding == Encoding::windows_1252);
    const Task other = Task::parse(
        replaced(replaced(a_task, "\"in.csv\"", "null"), "\"size\":12", "\"size\":null"));
    CHECK_FALSE(other.path);
    CHECK_FALSE(other.size);
}

TEST_CASE("a task for a part of a file, or for states, is read") {
    CHECK(Task::parse(a_task).work == Work::run);
    const auto with = [](const std::string& members) {
        return Task::parse(replaced(a_task, "\"path\"", members + ",\"path\""));
    };
    const Task first = with(R"("work":"partial","begin":0,"end":7,"cut":true,"header":null)");
    CHECK(first.work == Work::partial);
    CHECK(first.gives_state());
    CHECK(first.range.end == 7);
    CHECK(first.range.cut);
    const Task next = with(
        R"("work":"partial","begin":7,"end":null,"cut":false,"header":{"line":2,"fields":["a","b"]})");
    CHECK(next.range.begin == 7);
    CHECK_FALSE(next.range.end);
    CHECK(next.range.header_line == 2);
    CHECK(next.range.names == std::vector<std::string>{"a", "b"});
    const Task merge = with(R"("work":"merge","states":["b","a"])");
    CHECK(merge.states == std::vector<std::string>{"b", "a"});
    CHECK_FALSE(merge.gives_state());
    CHECK(with(R"("work":"gather","states":["b"])").gives_state());
    for (
        const char* members : {
            R"("work":"part")",
            R"("work":"merge")",
            R"("work":"partial","begin":0,"end":13,"cut":false,"header":null)",
            R"("work":"partial","begin":7,"end":6,"cut":false,"header":{"line":1,"fields":["a"]})",
            R"("work":"partial","begin":13,"end":null,"cut":false,"header":{"line":1,"fields":["a"]})",
            R"("work":"partial","begin":7,"end":9,"cut":false,"header":null)",
            R"("work":"partial","begin":7,"end":9,"cut":false,"header":{"line":1,"fields":[]})",
        }) {
        CAPTURE(members);
        CHECK_THROWS_AS(with(members), StateError);
    }
}

TEST_CASE("a task with values out of range is refused") {
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\"threads\":2", "\"threads\":0"},
             {"\"threads\":2", "\"threads\":100000"},
             {"\"block\":64", "\"block\":0"},
             {"\"block\":64", "\"block\":2000000000"},
             {"\"size\":12", "\"size\":-1"},
             {"\"memory\":1073741824,", ""},
             {"\"delimiter\":\";\"", "\"delimiter\":\"\""},
             {"\"delimiter\":\";\"", "\"delimiter\":\";;\""},
             {"\"delimiter\":\";\"", "\"delimiter\":\"\\n\""},
             {"\"delimiter\":\";\"", R"("delimiter":"\\")"},
             {"\"cr\"", "\"crlf\""},
             {"windows-1252", "utf-7"}}) {
        CAPTURE(to);
        CHECK_THROWS_AS(Task::parse(replaced(a_task, from, to)), StateError);
    }
}

TEST_CASE("a query is read") {
    const Query query = parse_query(Json::parse(a_query));
    REQUIRE(query.group_by.size() == 2);
    CHECK(query.group_by[0].column == 3);
    CHECK(query.group_by[0].trim);
    CHECK(query.group_by[0].truncate == Truncation::month);
    CHECK(query.group_by[0].letters == Case::upper);
    CHECK(query.group_by[1].nfc);
    CHECK_FALSE(query.group_by[1].trim);
    REQUIRE(query.aggregates.size() == 2);
    CHECK(query.aggregates[0].function == Function::sum);
    CHECK(query.aggregates[0].column == 2);
    CHECK(query.aggregates[0].kind == Kind::number);
    CHECK(query.aggregates[0].strict);
    CHECK(query.aggregates[0].output == Kind::number);
    CHECK_FALSE(query.aggregates[1].column);
    REQUIRE(query.where);
    CHECK(query.where->form == Restriction::Form::any);
    REQUIRE(query.where->parts.size() == 2);
    CHECK(query.where->parts[0].op == Operator::in);
    CHECK(query.where->parts[0].values == std::vector<std::string>{"a", "b"});
    CHECK(query.where->parts[1].form == Restriction::Form::all);
    CHECK(query.where->parts[1].parts[0].op == Operator::is_empty);
    CHECK_FALSE(query.having);
    REQUIRE(query.order_by.size() == 1);
    CHECK(query.order_by[0].column == 3);
    CHECK(query.order_by[0].descending);
    CHECK(query.limit == 10);
    CHECK(query.names == std::vector<std::string>{"a", "b", "c", "d"});
    CHECK(query.format == RowFormat::jsonl);
    CHECK(query.escape_formulas);
    CHECK(query.notation == Notation{',', '.'});
    CHECK(query.skip);
    CHECK_FALSE(query.hints);
}

TEST_CASE("a query that contradicts itself is refused") {
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"[\"a\",\"b\",\"c\",\"d\"]", "[\"a\",\"b\",\"c\"]"},
             {"{\"column\":3,\"descending\"", "{\"column\":4,\"descending\""},
             {"\"having\":null", R"("having":{"column":4,"op":"=","kind":"text","values":["a"]})"},
             {"\"having\":null", R"("having":{"column":1,"op":"=","kind":"text","values":[]})"},
             {"\"having\":null", R"("having":{"column":1,"op":"~","kind":"text","values":["a"]})"},
             {"\"having\":null", "\"having\":{\"all\":[null]}"},
             {"\"function\":\"sum\",\"column\":2", "\"function\":\"sum\",\"column\":null"},
             {"\"function\":\"sum\"", "\"function\":\"first\""},
             {"\"kind\":\"number\"", "\"kind\":\"date\""},
             {"\"column\":3,\"trim\"", "\"column\":2097152,\"trim\""},
             {"\"column\":3,\"trim\"", "\"column\":-1,\"trim\""},
             {"\"thousands\":\".\"", "\"thousands\":\",\""},
             {"\"decimal\":\",\"", "\"decimal\":\"\""},
             {"\"limit\":10", "\"limit\":-10"}}) {
        CAPTURE(to);
        CHECK_THROWS_AS(parse_query(Json::parse(replaced(a_query, from, to))), StateError);
    }
}
