#include "state/state_file.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>

#include "groups/rows.hpp"
#include "output/folder.hpp"
#include "state/group_merge.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

/// The results of files, after as many merges as leave `count` of them.
test::Results results_of(std::vector<StateFile> files, const Layout& layout, std::size_t count,
                         Scratch& scratch) {
    files = merge_files(std::move(files), layout, count, 0, scratch);
    CHECK(files.size() <= std::max<std::size_t>(1, count));
    test::Results results;
    GroupMerge groups(files, layout, nullptr, nullptr);
    const std::vector<std::size_t> keeping = keeping_aggregates(layout);
    while (groups.next()) {
        std::vector<std::string>& row = results[std::string(groups.key())];
        REQUIRE(row.empty());
        for (std::size_t i = 0; i < layout.size(); ++i) {
            const auto place = std::find(keeping.begin(), keeping.end(), i) - keeping.begin();
            const NextValue next = [&](Bytes& value) {
                return groups.next_value(static_cast<std::size_t>(place), value);
            };
            layout[i].finish(groups.states().state(i), next, row.emplace_back());
        }
    }
    return results;
}

}  // namespace

TEST_CASE("states that are spilled in any pieces and merged in any rounds give the same results") {
    const Folder folder;
    const Query query = test::every_aggregate();
    const Layout layout(query);
    std::mt19937_64 random(11);
    for (const std::size_t pieces : {1UL, 2UL, 7UL, 12UL})
        for (const std::size_t groups : {1UL, 30UL, 3000UL}) {
            Scratch scratch(1 << 30);
            const std::vector<test::Row> rows = test::random_rows(random, 6000, groups);
            std::vector<std::vector<test::Row>> divided(pieces);
            for (const test::Row& row : rows) divided[random() % pieces].push_back(row);
            std::vector<StateFile> files;
            Budget budget(1 << 30);
            GroupTable table(layout, 5, budget);
            for (const auto& some : divided) {
                test::add_rows(some, query, table);
                files.push_back(StateFile::spill(table, scratch, 512));
                CHECK(table.size() == 0);
            }
            const std::size_t count = 1 + random() % pieces;
            CHECK(results_of(std::move(files), layout, count, scratch) ==
                  test::expected_results(rows));
            CHECK(folder.files() == 0);
            scratch.take(1 << 30);
        }
}

TEST_CASE("a large table is sorted in several ranges") {
    const Folder folder;
    Scratch scratch(1 << 30);
    Query query;
    query.aggregates = {test::aggregate(Function::count, Kind::text, false)};
    const Layout layout(query);
    std::vector<test::Row> rows(50'000);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].key = std::to_string(i * 7919 % 50'000);
    Budget budget(1 << 30);
    GroupTable table(layout, 5, budget);
    test::add_rows(rows, query, table);
    const StateFile file = StateFile::spill(table, scratch, 4096);
    CHECK(file.groups() == rows.size());
    EntryCursor cursor(file.entries(), 0, "");
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    for (const test::Row& row : rows) {
        REQUIRE(cursor.next());
        REQUIRE(cursor.key() == row.key);
    }
    CHECK(!cursor.next());
    const std::vector<std::string> keys = file.sample(10'000);
    CHECK(keys.size() > 10);
    CHECK(std::is_sorted(keys.begin(), keys.end()));
}

TEST_CASE("a state file of another layout, or with other states, is refused") {
    const Folder folder;
    Scratch scratch(1 << 30);
    Query query = test::every_aggregate();
    const Layout layout(query);
    query.aggregates.pop_back();
    const Layout other(query);
    Budget budget(1 << 30);
    GroupTable table(other, 5, budget);
    StateFile file = StateFile::spill(table, scratch);
    file.keep();
    CHECK(StateFile::open(file.path(), other, scratch).groups() == 0);
    CHECK_THROWS_AS(StateFile::open(file.path(), layout, scratch), AttemptFailed);

    EntryFileWriter writer("long", 1 + keeping_aggregates(other).size(), mark_of(other), scratch);
    GroupStates states(other);
    states.create();
    std::string payload;
    append_states(payload, other, [&](std::size_t i) { return states.state(i); });
    writer.add(0, "a", payload);
    writer.add(0, "b", payload + "x");
    std::vector<StateFile> files;
    files.emplace_back(writer.finish());
    GroupMerge groups(files, other, nullptr, nullptr);
    REQUIRE(groups.next());
    groups.states();
    REQUIRE(groups.next());
    CHECK_THROWS_AS(groups.states(), StateError);
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_THROWS_AS(states.read(Bytes(payload).substr(0, size)), StateError);
}

}  // namespace csvmill
