#include "output/problems.hpp"

#include <doctest/doctest.h>

#include "folder.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

Problem problem_of(std::uint64_t line) {
    Problem problem;
    problem.line = line;
    problem.offset = 10 * line;
    problem.found = "'x'";
    problem.expected = "an integer, such as 42";
    return problem;
}

}  // namespace

TEST_CASE("the text of a problem names its line, column and name") {
    Problem problem = problem_of(3);
    CHECK(problem.text() == "line 3: found 'x', expected an integer, such as 42");
    problem.column = 2;
    CHECK(problem.text() == "line 3, column 2: found 'x', expected an integer, such as 42");
    problem.name = "It's";
    CHECK(problem.text() ==
          "line 3, column 2 (\"It's\"): found 'x', expected an integer, such as 42");
}

TEST_CASE("problems fail a file with the first one and the number of the others") {
    const Folder folder;
    Scratch scratch(1 << 20);
    Problems problems("", 1 << 30, scratch);
    problems.check(0, 0);
    const std::string first = "line 1: found 'x', expected an integer, such as 42";
    for (std::uint64_t i = 1; i <= 42; ++i) {
        problems.take(problem_of(i), "record");
        std::string reason = first;
        if (i == 2) reason += " (and 1 more problem)";
        if (i > 2) reason += " (and " + std::to_string(i - 1) + " more problems)";
        CHECK_THROWS_WITH_AS(problems.check(5, 5), reason.c_str(), MalformedInput);
    }
    problems.finish();
    CHECK(problems.count() == 42);
    CHECK(problems.first().size() == shown_problems);
    CHECK(problems.rejects_size() == 0);
    CHECK(folder.files() == 0);
}

TEST_CASE("rejects are written as CSV, and a file of nothing else has no result") {
    const Folder folder;
    Scratch scratch(1 << 20);
    Problems problems("rejects.csv", 1 << 30, scratch);
    CHECK(folder.files() == 0);
    Problem named = problem_of(2);
    named.column = 7;
    named.name = "n";
    problems.take(named, "a,\"b");
    const std::string first = "line 2, column 7 ('n'): found 'x', expected an integer, such as 42";
    CHECK_THROWS_WITH_AS(problems.check(0, 0), ("the only row was rejected: " + first).c_str(),
                         MalformedInput);
    problems.take(problem_of(4), Bytes("\xFF\n", 2));
    problems.take(problem_of(6), "");
    CHECK_THROWS_WITH_AS(problems.check(0, 0), ("all 3 rows were rejected: " + first).c_str(),
                         MalformedInput);
    problems.check(1, 0);
    problems.check(0, 1);
    problems.finish();
    const std::string expected =
        "line,offset,column,reason,record\n"
        "2,20,7,\"found 'x', expected an integer, such as 42\",\"a,\"\"b\"\n"
        "4,40,,\"found 'x', expected an integer, such as 42\",\"\xFF\n\"\n"
        "6,60,,\"found 'x', expected an integer, such as 42\",\n";
    CHECK(contents("rejects.csv") == expected);
    CHECK(problems.rejects_size() == expected.size());
    CHECK(problems.omitted() == 0);
}

TEST_CASE("rejects end before the first one that does not fit, and the rest is counted") {
    const Folder folder;
    Scratch scratch(1 << 20);
    const std::string header = "line,offset,column,reason,record\n";
    const std::string first = "1,10,,\"found 'x', expected an integer, such as 42\",a\n";
    Problems problems("rejects.csv", header.size() + first.size(), scratch);
    problems.take(problem_of(1), "a");
    CHECK(problems.omitted() == 0);
    problems.take(problem_of(2), "bb");
    problems.take(problem_of(3), "");
    problems.omit_more(2);
    problems.finish();
    CHECK(contents("rejects.csv") == header + first);
    CHECK(problems.count() == 5);
    CHECK(problems.omitted() == 4);
    CHECK(problems.forgotten() == 4);
    CHECK(problems.first().size() == 3);
}

}  // namespace csvmill
