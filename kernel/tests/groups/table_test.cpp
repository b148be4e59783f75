#include "groups/table.hpp"

#include <doctest/doctest.h>

#include "rows.hpp"

using namespace csvmill;
using namespace csvmill::test;

namespace {

/// Merges tables into the first one, part by part, in a random order.
void absorb_all(std::vector<std::unique_ptr<GroupTable>>& tables, std::mt19937_64& random) {
    for (std::size_t part = 0; part < partitions; ++part) {
        std::vector<std::size_t> order;
        for (std::size_t i = 1; i < tables.size(); ++i) order.push_back(i);
        std::shuffle(order.begin(), order.end(), random);
        Budget budget(1 << 30);
        for (const std::size_t i : order) tables[0]->absorb(*tables[i], part, budget);
    }
}

/// All results, in the order of the table after sorting, which must be that of a map.
Results results_of(GroupTable& table, bool in_memory) {
    const Layout& layout = table.layout();
    for (std::size_t part = 0; part < partitions; ++part) {
        if (in_memory) {
            table.prepare_results(part);
        } else {
            table.arrange_kept(part);
        }
    }
    if (in_memory) table.forget_slots();
    std::vector<SortedGroup> sorted;
    for (Group* group : groups_of(table)) sorted.push_back({0, group});
    load_prefixes(sorted, layout, 0);
    sort_groups(sorted, layout, 0);
    Results results;
    const std::string* last = nullptr;
    for (const SortedGroup& item : sorted) {
        const std::string key(layout.key(item.group));
        if (last != nullptr) REQUIRE(*last < key);
        const auto [place, is_new] = results.try_emplace(key);
        REQUIRE(is_new);
        last = &place->first;
        for (std::size_t i = 0; i < layout.size(); ++i) {
            std::string text;
            const std::byte* state = layout.state(item.group, i);
            const KeptValues* kept = table.kept(i, item.group->part);
            if (kept != nullptr && in_memory) {
                layout[i].finish_kept(state, *kept, item.group->number, text);
            } else if (kept != nullptr) {
                std::vector<Bytes> values;
                std::string bytes;
                kept->values_of(item.group->number, values, bytes);
                CHECK(std::is_sorted(values.begin(), values.end()));
                CHECK(values.size() == kept->count_of(item.group->number));
                std::size_t next = 0;
                const auto each = [&](Bytes& value) {
                    if (next == values.size()) return false;
                    value = values[next++];
                    return true;
                };
                layout[i].finish(state, each, text);
            } else {
                layout[i].finish(state, nullptr, text);
            }
            place->second.push_back(text);
        }
    }
    return results;
}

}  // namespace

TEST_CASE("tables that absorb each other in any order give what a plain model gives") {
    std::mt19937_64 random(7);
    const Query query = every_aggregate();
    const Layout layout(query);
    for (int round = 0; round < 12; ++round) {
        const std::size_t groups = std::array{1, 5, 300, 3000}[static_cast<std::size_t>(round % 4)];
        const std::vector<Row> rows = random_rows(random, 4000, groups);
        const std::size_t count = 1 + random() % 4;
        std::vector<std::vector<Row>> shares(count);
        for (const Row& row : rows) {
            // Some tables remain empty, or get few rows.
            shares[std::min(random() % count, random() % count)].push_back(row);
        }
        std::vector<Budget> budgets(count, Budget(std::size_t{1} << 30));
        std::vector<std::unique_ptr<GroupTable>> tables;
        for (std::size_t i = 0; i < count; ++i) {
            tables.push_back(std::make_unique<GroupTable>(layout, 99, budgets[i]));
            add_rows(shares[i], query, *tables[i]);
        }
        absorb_all(tables, random);
        for (std::size_t i = 1; i < count; ++i) {
            CHECK(tables[i]->size() == 0);
            tables[i].reset();
            CHECK(budgets[i].used() == 0);
        }
        CHECK(results_of(*tables[0], round % 2 == 0) == expected_results(rows));
        tables[0]->clear();
        CHECK(tables[0]->size() == 0);
        CHECK(budgets[0].used() == 0);
        add_rows(rows, query, *tables[0]);
        CHECK(results_of(*tables[0], round % 2 == 1) == expected_results(rows));
        tables.clear();
        CHECK(budgets[0].used() == 0);
    }
}

TEST_CASE("a table whose groups own memory is cleared after another one that absorbed it") {
    std::mt19937_64 random(11);
    const Query query = every_aggregate();
    const Layout layout(query);
    Budget first(std::size_t{1} << 30);
    Budget second(std::size_t{1} << 30);
    std::vector<std::unique_ptr<GroupTable>> tables;
    tables.push_back(std::make_unique<GroupTable>(layout, 99, first));
    tables.push_back(std::make_unique<GroupTable>(layout, 99, second));
    // Most parts have no group: the slots of all parts are in the same memory.
    std::vector<Row> rows = random_rows(random, 20, 3);
    for (Row& row : rows) row.text = std::string(100, 'x');
    add_rows(rows, query, *tables[1]);
    absorb_all(tables, random);
    tables[0]->forget_slots();
    tables[1]->clear();
    CHECK(tables[1]->size() == 0);
    CHECK(groups_of(*tables[0]).size() > 0);
    tables[0]->clear();
    CHECK(first.used() == 0);
    CHECK(second.used() == 0);
}

TEST_CASE("a table counts its memory, and an empty one has almost none") {
    std::mt19937_64 random(3);
    const Query query = every_aggregate();
    const Layout layout(query);
    Budget budget(std::size_t{1} << 20);
    GroupTable table(layout, 1, budget);
    CHECK(budget.used() == 0);
    add_rows(random_rows(random, 10, 3), query, table);
    CHECK(budget.used() > 0);
    CHECK(budget.used() < 40'000);
    CHECK(!budget.exceeded());
    while (!budget.exceeded()) add_rows(random_rows(random, 100, 1'000'000), query, table);
    CHECK(budget.used() < std::size_t{5} << 18);
    table.clear();
    CHECK(budget.used() == 0);
    CHECK(!budget.exceeded());
}

TEST_CASE("hashes depend on every byte, the length and the seed") {
    std::mt19937_64 random(5);
    std::set<std::uint64_t> hashes;
    std::size_t count = 0;
    for (const std::uint64_t seed : {0, 1, 2}) {
        std::string key;
        for (std::size_t size = 0; size < 80; ++size, key.push_back('\0')) {
            hashes.insert(hash_of(key, seed));
            ++count;
            for (std::size_t i = 0; i < size; ++i) {
                std::string changed = key;
                changed[i] = static_cast<char>(1 << (random() % 8));
                hashes.insert(hash_of(changed, seed));
                ++count;
            }
        }
    }
    CHECK(hashes.size() == count);
}

TEST_CASE("hashes fill all parts evenly") {
    std::array<std::size_t, partitions> sizes{};
    for (std::size_t i = 0; i < 64'000; ++i) {
        ++sizes[hash_of("song-" + std::to_string(i), 42) >> 58];
    }
    CHECK(*std::min_element(sizes.begin(), sizes.end()) > 800);
    CHECK(*std::max_element(sizes.begin(), sizes.end()) < 1200);
}
