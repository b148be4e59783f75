#include "csv/record_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "csv/random_file.hpp"

using namespace csvmill;

namespace {

Dialect with(const std::string& delimiter, const std::string& quote, const std::string& escape,
             bool line_end_cr = false) {
    Dialect dialect;
    dialect.delimiter = delimiter;
    dialect.quote = quote;
    dialect.escape = escape;
    dialect.line_end_cr = line_end_cr;
    return dialect;
}

/// All records and problems of a file, one line of text for each.
using Reading = std::vector<std::string>;

std::string in_brackets(const RecordReader& reader, Bytes data, const std::vector<Field>& fields) {
    std::string text;
    for (const Field& field : fields) {
        const Bytes part = data.substr(field.begin, field.end - field.begin);
        text += '[';
        if (field.escaped) {
            reader.unescape(part, text);
        } else {
            text += part;
        }
        text += ']';
    }
    return text;
}

/// Reads `file` of which the first `cut` bytes are known at first.
Reading read_all(const RecordReader& reader, Bytes file, std::size_t cut) {
    Reading reading;
    std::vector<Field> fields;
    std::uint64_t line = 1;
    std::size_t at = 0;
    Bytes data = file.substr(0, cut);
    while (at < file.size()) {
        const bool final = data.size() == file.size();
        std::size_t end = at;
        Fault fault;
        const Outcome outcome = at == data.size() && !final
                                    ? Outcome::unfinished
                                    : reader.read(data, at, final, line, fields, end, &fault);
        if (outcome == Outcome::unfinished) {
            REQUIRE_FALSE(final);
            data = file;
            continue;
        }
        REQUIRE(end > at);
        if (outcome == Outcome::record) reading.push_back(in_brackets(reader, data, fields));
        if (outcome == Outcome::fault || outcome == Outcome::too_long) {
            reading.push_back("line " + std::to_string(line) +
                              (fault.column ? ", column " + std::to_string(*fault.column) : "") +
                              ": found " + fault.found + ", expected " + fault.expected);
        }
        const Bytes record = data.substr(at, end - at);
        line += static_cast<std::uint64_t>(
            std::count(record.begin(), record.end(), reader.dialect().newline()));
        at = end;
    }
    return reading;
}

Reading read_all(const Dialect& dialect, Bytes file) {
    return read_all(RecordReader(dialect), file, file.size());
}

}  // namespace

TEST_CASE("Records are divided into fields as the dialect says") {
    struct Case {
        Dialect dialect;
        std::string file;
        Reading reading;
    };
    const Case cases[] = {
        {with(",", "\"", ""), "a,b\r\n\n\r\n,\nc", {"[a][b]", "[][]", "[c]"}},
        {with(",", "\"", ""), "\"a,\"\"b\"\"\n\r\",\"\"\n", {"[a,\"b\"\n\r][]"}},
        {with(",", "\"", ""), "5\",x\"y\" \"z\"\n", {"[5\"][x\"y\" \"z\"]"}},
        {with(";", "'", ""), "'it''s';\"a\"\n", {"[it's][\"a\"]"}},
        {with(",", "", ""), "\"a,b\"\n", {"[\"a][b\"]"}},
        {with(",", "\"", "\\"), R"("a\"b\\c\d","\\",\")", {R"([a"b\c\d][\][\"])"}},
        {with("€", "\"", ""),
         "a€\"b€\"€\xE2\x82\n",
         {"line 1, column 3: found '\\\\xe2\\\\x82', expected text in UTF-8"}},
        {with("€", "\"", ""), "a€\"b€\"€₭\n", {"[a][b€][₭]"}},
        {with(",", "»", ""), "»a»»b»,c\n", {"[a»b][c]"}},
        {with(",", "\"", "", true), "a,\"b\n\r\"\r\rc,d", {"[a][b\n\r]", "[c][d]"}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.file);
        CHECK(read_all(each.dialect, each.file) == each.reading);
    }
}

TEST_CASE("A bad record is described, and the record after it is read") {
    struct Case {
        Dialect dialect;
        std::string file;
        Reading reading;
    };
    const std::string comma = "expected a comma or the end of the line (a quote in quoted text ";
    const std::string crlf =
        "expected lines that end in LF or CRLF, and other carriage returns only in quoted fields";
    const Case cases[] = {
        {with(",", "\"", ""),
         "a,\"b\"é,c\nd\n",
         {"line 1, column 2: found 'é' after the closing quote of 'b', " + comma + "is doubled)",
          "[d]"}},
        {with(",", "\"", "\\"),
         "\"b\"\xC3,c\nd\n",
         {"line 1, column 1: found '\xEF\xBF\xBD' after the closing quote of 'b', " + comma +
              "is written \\\")",
          "[d]"}},
        {with("~", "\"", ""),
         "\"b\"x\n",
         {"line 1, column 1: found 'x' after the closing quote of 'b', expected the delimiter '~' "
          "or the end of the line (a quote in quoted text is doubled)"}},
        {with(",", "\"", ""),
         "a,b\rc\nd\n",
         {"line 1, column 2: found a carriage return after 'b', " + crlf, "[d]"}},
        {with(",", "\"", ""),
         "a\r",
         {"line 1, column 1: found a carriage return after 'a', " + crlf}},
        {with(",", "\"", "", true),
         "a\nb\rc",
         {"line 1, column 1: found a line feed after 'a', expected lines that end in CR, and other "
          "line feeds only in quoted fields",
          "[c]"}},
        // What is first in the record is reported, but invalid text before a foreign line end.
        {with(",", "\"", ""),
         "a,\xFF\rc\nd\n",
         {"line 1, column 2: found '\\\\xff', expected text in UTF-8", "[d]"}},
        {with(",", "\"", ""),
         "\"\xFF\n\",b\nd\n",
         {"line 1, column 1: found '\\\\xff\\n', expected text in UTF-8", "[d]"}},
        {with(",", "\"", ""),
         "a\n\"p\nq\",\"r\ns\n",
         {"[a]",
          "line 2, column 2: found '\"r\\ns\\n', a quote without a closing quote (opened on line "
          "3), "
          "expected a closing quote before the end of the file",
          "[s]"}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.file);
        CHECK(read_all(each.dialect, each.file) == each.reading);
    }
}

TEST_CASE("A file means the same wherever the data ends at first") {
    RandomFile random(3);
    for (int i = 0; i < 3000; ++i) {
        Dialect dialect = random.plain_dialect();
        if (random.one_of(3)) dialect.delimiter = random.one_of(2) ? "€" : "é";
        if (random.one_of(5) && !dialect.quote.empty()) dialect.quote = "»";
        std::string file = random.one_of(2) ? random.noise(dialect, random.below(40))
                                            : random.records(dialect, 2, 1 + random.below(4));
        if (random.one_of(2)) random.damage(dialect, file);
        CAPTURE(file);
        const RecordReader reader(dialect);
        const Reading reading = read_all(reader, file, file.size());
        for (std::size_t cut = 0; cut < file.size(); ++cut) {
            REQUIRE(read_all(reader, file, cut) == reading);
        }
    }
}

TEST_CASE("A record has at most 64 MiB and 1048576 fields") {
    const RecordReader reader{Dialect{}};
    std::vector<Field> fields;
    std::size_t end = 0;
    Fault fault;

    std::string file(record_limit, 'x');
    file += "\nnext\n";
    CHECK(reader.read(file, 0, true, 1, fields, end, nullptr) == Outcome::record);
    file[record_limit] = 'x';
    CHECK(reader.read(Bytes(file).substr(0, record_limit + 4), 0, false, 1, fields, end, nullptr) ==
          Outcome::unfinished);
    CHECK(reader.read(Bytes(file).substr(0, record_limit + 5), 0, false, 1, fields, end, &fault) ==
          Outcome::too_long);
    CHECK(end == record_limit + 5);
    CHECK(fault.found.starts_with("a record longer than 64 MiB, beginning 'xxx"));
    CHECK(fault.expected == "a shorter line");
    CHECK(reader.read(file, 0, true, 1, fields, end, nullptr) == Outcome::fault);
    CHECK(end == file.size());

    // Of a quote without a closing quote, only the line is bad.
    file.replace(0, 8, "a\n\"b\nc\nd");
    CHECK(reader.read(file, 2, true, 2, fields, end, &fault) == Outcome::fault);
    CHECK(end == 5);
    CHECK(fault.expected == "a closing quote before the end of the file");
    file.append(100, 'x');
    CHECK(reader.read(file, 2, false, 2, fields, end, &fault) == Outcome::fault);
    CHECK(end == 5);
    CHECK(fault.expected == "a shorter record: perhaps a closing quote is missing");

    std::string columns(column_limit - 1, ',');
    CHECK(reader.read(columns + "\n", 0, true, 1, fields, end, nullptr) == Outcome::record);
    CHECK(fields.size() == column_limit);
    CHECK(reader.read(columns + ",\nnext", 0, true, 1, fields, end, &fault) == Outcome::fault);
    CHECK(end == column_limit + 1);
    CHECK(fault.found == "more than 1048576 columns");
    CHECK_FALSE(fault.column.has_value());
}

TEST_CASE("A problem shows a record without its line end, and fields of another number") {
    const RecordReader lf{Dialect{}};
    CHECK(lf.without_line_end("a\r\n") == "a");
    CHECK(lf.without_line_end("a\r") == "a");
    CHECK(lf.without_line_end("a\n\n") == "a\n");
    CHECK(RecordReader(with(",", "\"", "", true)).without_line_end("a\n\r") == "a\n");
    const Fault few = lf.ragged({"a"}, 3, false);
    CHECK(few.column == 2);
    CHECK(few.found == "1 column: 'a'");
    CHECK(few.expected == "3 columns as in the header");
    CHECK(RecordReader(with("; ", "\"", "")).ragged({"a", "b"}, 1, false).found ==
          "2 columns: 'a; b'");
}
