#include "state/parts.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "groups/rows.hpp"
#include "output/folder.hpp"
#include "state/part_mark.hpp"
#include "text/error.hpp"

using namespace csvmill;

namespace {

PartAccount an_account(std::uint64_t begin, std::uint64_t end) {
    PartAccount account;
    account.begin = begin;
    account.end = end;
    account.lines = 10;
    account.aggregated = 8;
    account.filtered = 1;
    account.problems = 1;
    account.of_several_lines = begin;
    account.most_lines = end;
    account.passed_over = 2;
    account.padded = 5;
    account.truncated = 6;
    account.header_line = 3;
    account.names = {"a", "", std::string("\0,", 2)};
    return account;
}

Problem a_problem(std::uint64_t line, std::uint64_t offset) {
    return {line, offset, 2, "name", "'x', a quote (opened on line 5)", "other"};
}

/// Writes a state with one problem, on line 4 of the part, and without groups.
std::string write_state(const std::string& name, const PartAccount& account, std::uint64_t mark,
                        const Layout& layout) {
    Scratch scratch(1 << 20);
    PartWriter writer(layout, mark, scratch);
    ProblemLog log(scratch);
    log.take(a_problem(4, account.begin + 5), "the record");
    writer.finish(log, account);
    std::filesystem::rename("state", name);
    return name;
}

}  // namespace

TEST_CASE("parts below the part in which a footer begins are passed over") {
    PartAccount first = an_account(0, 100);
    first.footer = 1;
    PartAccount second = an_account(100, 300);
    second.open_line = 1;
    PartAccount total;
    total.append(first);
    total.append(second);
    CHECK(total.end == 300);
    CHECK(total.lines == 20);
    CHECK(total.aggregated == 8);
    CHECK(total.problems == 1);
    CHECK(total.passed_over == 12);
    CHECK(total.all_passed_over() == 13);
    total.append(an_account(300, 300));
    CHECK(total.all_passed_over() == 23);
}

TEST_CASE("an account is read as it was written, and cannot be cut off") {
    const PartAccount account = an_account(7, 300);
    std::string text;
    account.write(text);
    const PartAccount read = PartAccount::read(text);
    std::string again;
    read.write(again);
    CHECK(again == text);
    CHECK(read.names == account.names);
    CHECK(read.most_lines == 300);
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_THROWS_AS(PartAccount::read(Bytes(text).substr(0, size)), StateError);
    CHECK_THROWS_AS(PartAccount::read(text + "x"), StateError);
    std::string swapped;
    an_account(300, 7).write(swapped);
    CHECK_THROWS_AS(PartAccount::read(swapped), StateError);
}

TEST_CASE("a bad record is read as it was written, and moves with its part") {
    KeptProblem kept{a_problem(4, 0x0102030405060708), "a\0b"};
    std::string payload;
    kept.write(payload);
    kept.problem.input = 0x0a0b0c0d;
    CHECK(kept.key() == "\12\13\14\15\1\2\3\4\5\6\7\10");
    KeptProblem read = KeptProblem::read(kept.key(), payload);
    CHECK(read.problem.text() == kept.problem.text());
    CHECK(read.problem.offset == kept.problem.offset);
    CHECK(read.problem.input == kept.problem.input);
    CHECK(read.record == kept.record);
    read.move(1000);
    CHECK(read.problem.line == 1004);
    CHECK(read.problem.found == "'x', a quote (opened on line 1005)");
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_THROWS_AS(KeptProblem::read(kept.key(), Bytes(payload).substr(0, size)), StateError);
    CHECK_THROWS_AS(KeptProblem::read(kept.key(), payload + "x"), StateError);
    CHECK_THROWS_AS(KeptProblem::read("1234567", payload), StateError);
}

TEST_CASE("parts in any order are those of one file") {
    const Folder folder;
    const Query query = test::every_aggregate();
    const Layout layout(query);
    const std::string b = write_state("b", an_account(100, 250), 5, layout);
    const std::string c = write_state("c", an_account(250, 260), 5, layout);
    const std::string a = write_state("a", an_account(0, 100), 5, layout);
    Scratch scratch(1 << 20);
    const Parts parts({c, a, b}, scratch);
    parts.check_whole(260);
    parts.check_whole(std::nullopt);
    CHECK(parts.mark() == 5);
    CHECK(parts.total().end == 260);
    CHECK(parts.total().lines == 30);
    CHECK(parts.total().aggregated == 24);
    CHECK(parts.total().of_several_lines == 350);
    CHECK(parts.total().most_lines == 260);
    CHECK(parts.total().names == an_account(0, 1).names);
    std::vector<std::uint64_t> lines;
    std::vector<std::uint64_t> offsets;
    std::uint64_t omitted = 0;
    parts.each_problem(
        [&](const KeptProblem& kept) {
            lines.push_back(kept.problem.line);
            offsets.push_back(kept.problem.offset);
            return lines.size() < 3;
        },
        [&](std::uint64_t number) { omitted += number; });
    CHECK(omitted == 0);
    CHECK(lines == std::vector<std::uint64_t>{4, 14, 24});
    CHECK(offsets == std::vector<std::uint64_t>{5, 105, 255});
    CHECK(parts.groups(layout, 1 << 20).size() == 3);
    CHECK(folder.files() == 3);

    CHECK_THROWS_AS(parts.check_whole(259), Refused);
    CHECK_THROWS_AS(parts.check_whole(261), Refused);
    CHECK_THROWS_AS(Parts({a, c}, scratch), Refused);
    CHECK_THROWS_AS(Parts({a, b, b}, scratch), Refused);
    CHECK_THROWS_AS(Parts({b, c}, scratch).check_whole(260), Refused);
    const std::string other = write_state("other", an_account(100, 250), 6, layout);
    CHECK_THROWS_AS(Parts({a, other}, scratch), Refused);
    const std::string within = write_state("within", an_account(100, 101), 5, layout);
    CHECK_THROWS_AS(Parts({a, b, within, c}, scratch), Refused);
}

TEST_CASE("states of several files are in the order of the files, with the lines of each") {
    const Folder folder;
    const Query query = test::every_aggregate();
    const Layout layout(query);
    const auto of_inputs = [&](const std::string& name, std::uint64_t first, std::uint64_t last) {
        PartAccount account = an_account(0, 100);
        account.first_input = first;
        account.last_input = last;
        account.footer = 1;
        account.open_line = 1;
        return write_state(name, account, 5, layout);
    };
    const std::string a = of_inputs("a", 0, 0);
    const std::string b = of_inputs("b", 1, 3);
    const std::string c = of_inputs("c", 4, 4);
    Scratch scratch(1 << 20);
    const Parts parts({c, a, b}, scratch, true);
    parts.check_inputs(5);
    CHECK_THROWS_AS(parts.check_inputs(6), Refused);
    CHECK(parts.total().first_input == 0);
    CHECK(parts.total().last_input == 4);
    CHECK(parts.total().end == 300);
    CHECK(parts.total().aggregated == 24);
    CHECK(parts.total().all_passed_over() == 9);
    std::vector<std::uint64_t> lines;
    parts.each_problem(
        [&](const KeptProblem& kept) {
            lines.push_back(kept.problem.line);
            return true;
        },
        [](std::uint64_t) {});
    CHECK(lines == std::vector<std::uint64_t>{4, 4, 4});
    CHECK(parts.groups(layout, 1 << 20).size() == 3);

    CHECK_THROWS_AS(Parts({a, c}, scratch, true), Refused);
    CHECK_THROWS_AS(Parts({a, b, b}, scratch, true), Refused);
    CHECK_THROWS_AS(Parts({b, c}, scratch, true).check_inputs(5), Refused);
}

TEST_CASE("the mark of one of several files has the numbers of its columns among all") {
    Query all = test::every_aggregate();
    all.group_by.resize(1);
    all.group_by[0].column = 2;
    const auto mark = [](const Query& query) { return input_mark(query, Layout(query)); };
    Query one = all;
    one.numbers.resize(100);
    for (std::uint32_t i = 0; i < 100; ++i) one.numbers[i] = i;
    CHECK(mark(one) == mark(all));
    std::swap(one.numbers[2], one.numbers[50]);
    CHECK(mark(one) != mark(all));
    one.group_by[0].column = 50;
    for (Aggregate& aggregate : one.aggregates) {
        if (aggregate.column == 2) aggregate.column = 50;
        if (aggregate.operation != Operation::none && aggregate.operand == 2) {
            aggregate.operand = 50;
        }
    }
    CHECK(mark(one) == mark(all));
}

TEST_CASE("a state that a thread spilled is not that of a part") {
    const Folder folder;
    Scratch scratch(1 << 20);
    const Query query = test::every_aggregate();
    const Layout layout(query);
    Budget budget(1 << 20);
    GroupTable table(layout, 5, budget);
    StateFile file = StateFile::spill(table, scratch);
    CHECK_THROWS_AS(PartState::open(file.path(), scratch), StateError);
}

TEST_CASE("what a state has depends on the query, the dialect and the columns, not on the output") {
    const auto mark =
        [](const std::function<void(Query&, Dialect&, std::vector<std::string>&)>& by) {
            Query query = test::every_aggregate();
            query.group_by.resize(2);
            query.group_by[0].column = 1;
            query.group_by[1].trim = true;
            Dialect dialect;
            std::vector<std::string> columns{"a", "b", "c"};
            by(query, dialect, columns);
            return part_mark(query, dialect, columns, Layout(query));
        };
    using Columns = std::vector<std::string>;
    const std::uint64_t usual = mark([](Query&, Dialect&, Columns&) {});
    CHECK(mark([](Query& query, Dialect&, Columns&) {
              query.having.emplace();
              query.order_by = {{0, true}};
              query.limit = 5;
              query.names = {"x"};
              query.format = RowFormat::jsonl;
              query.aggregates[0].output = Kind::text;
          }) == usual);
    const std::vector<std::function<void(Query&, Dialect&, Columns&)>> changes{
        [](Query& query, Dialect&, Columns&) { query.group_by.pop_back(); },
        [](Query& query, Dialect&, Columns&) { query.group_by[0].column = 0; },
        [](Query& query, Dialect&, Columns&) { query.group_by[0].trim = true; },
        [](Query& query, Dialect&, Columns&) { query.group_by[0].truncate = Truncation::day; },
        [](Query& query, Dialect&, Columns&) { query.group_by[0].letters = Case::upper; },
        [](Query& query, Dialect&, Columns&) { query.aggregates.pop_back(); },
        [](Query& query, Dialect&, Columns&) { query.aggregates[2].kind = Kind::integer; },
        [](Query& query, Dialect&, Columns&) { query.aggregates[2].strict = true; },
        [](Query& query, Dialect&, Columns&) { query.aggregates[2].column = 2; },
        [](Query& query, Dialect&, Columns&) { query.where.emplace(); },
        [](Query& query, Dialect&, Columns&) { query.notation.decimal = ','; },
        [](Query& query, Dialect&, Columns&) { query.notation.thousands = ' '; },
        [](Query& query, Dialect&, Columns&) { query.skip = true; },
        [](Query& query, Dialect&, Columns&) { query.hints = false; },
        [](Query&, Dialect& dialect, Columns&) { dialect.quote = "'"; },
        [](Query&, Dialect& dialect, Columns&) { dialect.header = false; },
        [](Query&, Dialect& dialect, Columns&) { dialect.encoding = Encoding::latin_1; },
        [](Query&, Dialect& dialect, Columns&) { dialect.skip_lines = 1; },
        [](Query&, Dialect& dialect, Columns&) { dialect.comment = "#"; },
        [](Query&, Dialect& dialect, Columns&) { dialect.footer = "#"; },
        [](Query&, Dialect& dialect, Columns&) { dialect.footer_lines = 1; },
        [](Query&, Dialect& dialect, Columns&) { dialect.pad = true; },
        [](Query&, Dialect& dialect, Columns&) { dialect.truncate = true; },
        [](Query&, Dialect& dialect, Columns&) { dialect.trailing_delimiters = true; },
        [](Query&, Dialect&, Columns& columns) { columns = {"a", "bc", ""}; },
    };
    for (const auto& change : changes) CHECK(mark(change) != usual);
}
