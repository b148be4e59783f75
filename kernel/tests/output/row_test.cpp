#include "output/row.hpp"

#include <doctest/doctest.h>

namespace csvmill {

namespace {

Query query_of(RowFormat format, std::size_t groups, std::vector<Kind> outputs) {
    Query query;
    query.format = format;
    query.group_by.resize(groups);
    for (const Kind output : outputs) {
        Aggregate aggregate;
        aggregate.output = output;
        query.aggregates.push_back(aggregate);
    }
    for (std::size_t i = 0; i < groups + outputs.size(); ++i)
        query.names.push_back("n" + std::to_string(i));
    return query;
}

std::string line(const Query& query, const Row& row) {
    std::string text;
    RowEncoder(query).append(text, row);
    return text;
}

}  // namespace

TEST_CASE("fields of CSV are quoted if they must be") {
    struct Example {
        std::vector<Bytes> fields;
        Bytes line;
    };
    const Example examples[] = {
        {{"a", "b"}, "a,b\n"},
        {{""}, "\"\"\n"},
        {{"", ""}, ",\n"},
        {{"a,b", "say \"x\"", "1\n2", "\r", "'", " "},
         "\"a,b\",\"say \"\"x\"\"\",\"1\n2\",\"\r\",', \n"},
        {{"\""}, "\"\"\"\"\n"},
    };
    for (const Example& c : examples) {
        std::string to = "before\n";
        append_csv(to, c.fields);
        CHECK(to == "before\n" + std::string(c.line));
    }
}

TEST_CASE("rows in CSV have a header, and numbers as they are") {
    Query query = query_of(RowFormat::csv, 1, {Kind::integer, Kind::text});
    query.names = {"a,b", "sum", ""};
    CHECK(RowEncoder(query).header() == "\"a,b\",sum,\n");
    CHECK(line(query, {"x\"", "-12", ","}) == "\"x\"\"\",-12,\",\"\n");
    CHECK(line(query, {"", "", ""}) == ",,\n");
    CHECK(line(query_of(RowFormat::csv, 0, {Kind::number}), {""}) == "\"\"\n");
    CHECK(line(query_of(RowFormat::csv, 1, {}), {""}) == "\"\"\n");
}

TEST_CASE("a name does not become a byte order mark of the file") {
    Query query = query_of(RowFormat::csv, 2, {});
    query.names = {
        "\xEF\xBB\xBF"
        "a",
        "\xEF\xBB\xBF"
        "b"};
    CHECK(RowEncoder(query).header() ==
          "\"\xEF\xBB\xBF"
          "a\",\xEF\xBB\xBF"
          "b\n");
    query.names[0] = "\xEF\xBB\xBF,";
    CHECK(RowEncoder(query).header() ==
          "\"\xEF\xBB\xBF,\",\xEF\xBB\xBF"
          "b\n");
}

TEST_CASE("texts of CSV that may be formulas get an apostrophe, and numbers do not") {
    Query query = query_of(RowFormat::csv, 1, {Kind::integer, Kind::text});
    query.names = {"=a,b", "-sum", "+"};
    query.escape_formulas = true;
    CHECK(RowEncoder(query).header() == "\"'=a,b\",'-sum,'+\n");
    CHECK(line(query, {"=1", "-12", "@"}) == "'=1,-12,'@\n");
    CHECK(line(query, {"+\"", "-0", "-5"}) == "\"'+\"\"\",-0,'-5\n");
    CHECK(line(query, {"\t", "1", "\rx"}) == "'\t,1,\"'\rx\"\n");
    CHECK(line(query, {"a=", "", " ="}) == "a=,, =\n");
    query.format = RowFormat::jsonl;
    CHECK(line(query, {"=", "-1", "@"}) == "{\"=a,b\":\"=\",\"-sum\":-1,\"+\":\"@\"}\n");
}

TEST_CASE("rows in JSON lines are objects of numbers, texts and null") {
    Query query = query_of(RowFormat::jsonl, 1, {Kind::integer, Kind::text, Kind::number});
    query.names = {"k\"\n", "s", "t", "\xC3\xA9"};
    CHECK(RowEncoder(query).header().empty());
    const std::string control("\0\x1f\x7f\b\f\n\r\t\\/", 10);
    CHECK(line(query, {control, "12", "\xE2\x82\xAC", "1.50"}) ==
          "{\"k\\\"\\n\":\"\\u0000\\u001f\x7f\\b\\f\\n\\r\\t\\\\/"
          "\",\"s\":12,\"t\":\"\xE2\x82\xAC\",\"\xC3\xA9\":1.50}\n");
    CHECK(line(query, {"", "", "", ""}) ==
          "{\"k\\\"\\n\":\"\",\"s\":null,\"t\":null,\"\xC3\xA9\":null}\n");
}

}  // namespace csvmill
