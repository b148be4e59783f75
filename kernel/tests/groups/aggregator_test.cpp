#include "groups/aggregator.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "rows.hpp"
#include "text/error.hpp"

using namespace csvmill;
using namespace csvmill::test;

namespace {

/// All states of a group, which own what they own.
class States {
public:
    explicit States(const Layout& layout)
        : layout_(layout), memory_(layout.header_size() / 8 + 1) {}
    ~States() {
        for (std::size_t i = 0; i < created_; ++i) layout_[i].destroy(at(i));
    }
    std::byte* at(std::size_t i) {
        return reinterpret_cast<std::byte*>(memory_.data()) + layout_.offset(i);
    }
    void create() {
        for (; created_ < layout_.size(); ++created_) layout_[created_].create(at(created_));
    }
    void read(Bytes& from) {
        for (; created_ < layout_.size(); ++created_) layout_[created_].read(from, at(created_));
    }
    std::string written() {
        std::string to;
        for (std::size_t i = 0; i < layout_.size(); ++i) layout_[i].write(at(i), to);
        return to;
    }

private:
    const Layout& layout_;
    std::vector<std::uint64_t> memory_;
    std::size_t created_ = 0;
};

std::vector<std::byte*> one_state(std::byte* state, std::size_t count) {
    return std::vector<std::byte*>(count, state);
}

std::string finished(const Aggregator& aggregator, const std::byte* state) {
    std::string text;
    aggregator.finish(state, [](Bytes&) { return false; }, text);
    return text;
}

/// The state of one aggregate of numbers, after it has added them.
std::string result_of(Function function, const std::vector<Decimal>& numbers) {
    Query query;
    query.aggregates = {aggregate(function, Kind::number)};
    const Layout layout(query);
    Budget budget(1 << 20);
    States states(layout);
    states.create();
    Batch batch;
    batch.rows = numbers.size();
    batch.selected.all(numbers.size());
    Values values;
    values.present.fill(true);
    for (const Decimal& number : numbers) values.numbers.push_back(number);
    layout[0].add(batch, values, one_state(states.at(0), numbers.size()).data(), budget);
    return finished(layout[0], states.at(0));
}

Decimal number(Bytes digits, std::int64_t exponent, bool negative = false) {
    return Decimal::of_digits(negative, digits, exponent);
}

}  // namespace

TEST_CASE("states that are written and read are the same, and their merging too") {
    std::mt19937_64 random(2);
    const Query query = every_aggregate();
    const Layout layout(query);
    for (int round = 0; round < 30; ++round) {
        Budget budget(std::size_t{1} << 30);
        GroupTable table(layout, 5, budget);
        add_rows(random_rows(random, random() % 40 + 1, 4), query, table);
        const std::vector<Group*> groups = groups_of(table);
        States merged(layout);
        merged.create();
        States direct(layout);
        direct.create();
        for (Group* group : groups) {
            std::string bytes;
            for (std::size_t i = 0; i < layout.size(); ++i) {
                layout[i].write(layout.state(group, i), bytes);
            }
            Bytes from = bytes;
            States read(layout);
            read.read(from);
            CHECK(from.empty());
            CHECK(read.written() == bytes);
            for (std::size_t size = 0; size < bytes.size(); ++size) {
                Bytes part = Bytes(bytes).substr(0, size);
                States damaged(layout);
                CHECK_THROWS_AS(damaged.read(part), StateError);
            }
            for (std::size_t i = 0; i < layout.size(); ++i) {
                layout[i].merge(merged.at(i), read.at(i), budget);
                layout[i].merge(direct.at(i), layout.state(group, i), budget);
            }
        }
        CHECK(merged.written() == direct.written());
    }
}

TEST_CASE("numbers of any size are added, compared and averaged exactly") {
    const std::string nines(40, '9');
    CHECK(result_of(Function::sum, {number(nines, 0), number("1", 0)}) ==
          "1" + std::string(40, '0'));
    CHECK(result_of(Function::sum, {number(nines, 0), number(nines, 0, true)}) == "0");
    CHECK(result_of(Function::sum, {number("1", 30), number("5", -1)}) ==
          "1" + std::string(30, '0') + ".5");
    CHECK(result_of(Function::avg, {number(nines, 0), number(nines, 0)}) == nines);
    CHECK(result_of(Function::avg, {number("1", 0), number("1", 0), number("0", 0)}) == "0.666667");
    CHECK(result_of(Function::min, {number(nines, 0), number("10", -1), number("1", 0)}) == "1.0");
    CHECK(result_of(Function::max, {number(nines, 0), number("10", -1)}) == nines + ".0");
    CHECK(result_of(Function::max, {number("5", 0, true), number("0", -2)}) == "0.00");
    CHECK(result_of(Function::sum, {Decimal(INT64_MAX, 0), Decimal(INT64_MAX, 0)}) ==
          "18446744073709551614");
    CHECK(result_of(Function::sum, {}) == "");
    CHECK(result_of(Function::avg, {}) == "");
    CHECK(result_of(Function::max, {}) == "");
}

TEST_CASE("variance and standard deviation of a sample are exact, and then rounded half to even") {
    const auto variance = [](const std::vector<Decimal>& numbers) {
        return result_of(Function::variance, numbers);
    };
    const auto deviation = [](const std::vector<Decimal>& numbers) {
        return result_of(Function::stddev, numbers);
    };
    CHECK(variance({}) == "");
    CHECK(variance({number("5", 0)}) == "");
    CHECK(deviation({number("5", 0)}) == "");
    CHECK(variance({number("5", 0), number("50", -1)}) == "0.0");
    CHECK(variance({number("1", 0), number("2", 0)}) == "0.5");
    CHECK(deviation({number("1", 0), number("2", 0)}) == "0.707107");
    CHECK(variance({number("1", 0), number("2", 0), number("4", 0)}) == "2.333333");
    // Differences of numbers that a double cannot tell apart.
    const std::string large = "1" + std::string(30, '0');
    CHECK(variance({number(large + "1", 0), number(large + "3", 0)}) == "2");
    CHECK(deviation({number(large + "1", 0), number(large + "7", 0)}) == "4.242641");
    CHECK(variance({number("1", -3), number("2", -3)}) == "0.0000005");
}

TEST_CASE("the order in which variances are merged does not matter") {
    Query query;
    query.aggregates = {aggregate(Function::stddev, Kind::number)};
    const Layout layout(query);
    Budget budget(1 << 20);
    const std::vector<Decimal> numbers = {Decimal(25, 1), number("9", 30), Decimal(-7, 0),
                                          Decimal(0, 3)};
    std::vector<std::size_t> order = {0, 1, 2, 3};
    std::string expected;
    do {
        States total(layout);
        total.create();
        for (const std::size_t i : order) {
            States one(layout);
            one.create();
            Batch batch;
            batch.rows = 1;
            batch.selected.all(1);
            Values values;
            values.present.fill(true);
            values.numbers.push_back(numbers[i]);
            layout[0].add(batch, values, one_state(one.at(0), 1).data(), budget);
            layout[0].merge(total.at(0), one.at(0), budget);
        }
        const std::string found = finished(layout[0], total.at(0));
        if (expected.empty()) expected = found;
        CHECK(found == expected);
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(result_of(Function::stddev, numbers) == expected);
}

TEST_CASE("counts are written in few bytes and read, and incomplete ones are refused") {
    for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                      std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        std::string bytes;
        append_count(bytes, count);
        CHECK(bytes.size() <= 10);
        Bytes from = bytes;
        CHECK(take_count(from) == count);
        CHECK(from.empty());
        Bytes part = Bytes(bytes).substr(0, bytes.size() - 1);
        CHECK_THROWS_AS(take_count(part), StateError);
    }
    Bytes endless = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    CHECK_THROWS_AS(take_count(endless), StateError);
}
