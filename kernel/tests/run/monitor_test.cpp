#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "run/child.hpp"
#include "run/monitor.hpp"

using namespace csvmill;

namespace {

Ended monitored(std::uint64_t memory, const std::function<void(Progress&, Problems&)>& work) {
    return in_child([&] {
        Progress progress;
        Scratch scratch(1000);
        Problems problems("", 1 << 30, scratch);
        Events events;
        const Monitor monitor(progress, problems, scratch, memory, events, {"seccomp"});
        work(progress, problems);
        return 0;
    });
}

}  // namespace

TEST_CASE("the message about memory has the limit in MiB") {
    CHECK(out_of_memory(std::uint64_t{1} << 30U) ==
          "out of memory: the limit of a job is 1,024 MiB (CSVMILL_MEMORY_LIMIT)");
    CHECK(out_of_memory(std::uint64_t{999} << 20U) ==
          "out of memory: the limit of a job is 999 MiB (CSVMILL_MEMORY_LIMIT)");
    CHECK(out_of_memory(std::uint64_t{1234567} << 20U) ==
          "out of memory: the limit of a job is 1,234,567 MiB (CSVMILL_MEMORY_LIMIT)");
}

TEST_CASE("the monitor reports progress until it is stopped") {
    const Ended ended = monitored(std::uint64_t{1} << 40U, [](Progress& progress, Problems&) {
        progress.bytes = 12;
        progress.rows = 3;
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    });
    CHECK(ended.exit_code == 0);
    std::istringstream lines(ended.output);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const Json event = Json::parse(line);
        CHECK(event["event"].string() == "progress");
        CHECK(event["done"].integer() == 12);
        CHECK(event["rows"].integer() == 3);
        CHECK(event["peak_memory"].integer() > 1 << 20);
        CHECK(event["rejected"].integer() == 0);
        CHECK(event["peak_scratch"].integer() == 0);
    }
    CHECK(count >= 1);
    CHECK(ended.output.find("first_problem") == std::string::npos);
}

TEST_CASE("the monitor reports how many records are bad, and the first problem") {
    const Ended ended = monitored(std::uint64_t{1} << 40U, [](Progress&, Problems& problems) {
        problems.take({7, 70, 2, "Plays", "'x'", "a number"}, "a,x");
        problems.take({8, 74, std::nullopt, std::nullopt, "1 column", "2 columns"}, "a");
        problems.count_more(5);
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    });
    const Json event = Json::parse(Bytes(ended.output).substr(0, ended.output.find('\n')));
    CHECK(event["rejected"].integer() == 7);
    CHECK(event["first_problem"].string() ==
          "line 7, column 2 ('Plays'): found 'x', expected a number");
}

TEST_CASE("a process beyond its memory ends with the reason") {
    const Ended ended = monitored(
        1, [](Progress&, Problems&) { std::this_thread::sleep_for(std::chrono::seconds(20)); });
    CHECK(ended.exit_code == 0);
    const Json event = Json::parse(Bytes(ended.output).substr(0, ended.output.find('\n')));
    CHECK(event["event"].string() == "failed");
    CHECK(event["reason"].string() == out_of_memory(1));
    CHECK(event["confined"].array()[0].string() == "seccomp");
}

TEST_CASE("after the last event none is sent") {
    const Ended ended = in_child([] {
        Events events;
        JsonWriter first;
        events.send(first.member("event", "first"));
        JsonWriter last;
        events.send_last(last.member("event", "last"));
        JsonWriter late;
        events.send(late.member("event", "late"));
        JsonWriter later;
        events.send_last(later.member("event", "later"));
        return 0;
    });
    CHECK(ended.output == "{\"event\":\"first\"}\n{\"event\":\"last\"}\n");
}
