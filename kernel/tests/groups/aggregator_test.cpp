#include "groups/aggregator.hpp"

#include <doctest/doctest.h>

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
