#include "groups/distinct_set.hpp"

#include <doctest/doctest.h>

#include <random>

#include "distinct_model.hpp"

using namespace csvmill;
using namespace csvmill::test;

namespace {

/// A value of up to 40 bytes, of which there are about `different`.
std::string random_value(std::mt19937_64& random, std::size_t different) {
    const std::size_t number = random() % different;
    const std::string digits = std::to_string(number);
    return number % 5 == 0 ? digits + std::string(number % 31, '\0') : digits;
}

}  // namespace

TEST_CASE("sets of values that are merged hold each value of each group once") {
    std::mt19937_64 random(11);
    for (const std::size_t rows : {0, 1, 40, 3000, 60'000}) {
        for (const std::size_t different : {1, 20, 900, 1'000'000}) {
            for (const std::size_t sets : {1, 3}) {
                DistinctModel model(sets, std::size_t{1} << 30);
                for (std::size_t i = 0; i < rows; ++i) {
                    // The last set may be small where the others are large.
                    const std::size_t set = std::min(random() % sets, random() % (4 * sets));
                    const auto group = static_cast<std::uint32_t>(random() % 7);
                    model.add(set, group, random_value(random, different));
                }
                CAPTURE(rows);
                CAPTURE(different);
                CAPTURE(sets);
                CHECK(model.holds(random() % 2 == 0));
            }
        }
    }
}

TEST_CASE("values of every length differ by their length and by every byte") {
    DistinctModel model(1, std::size_t{1} << 30);
    for (std::size_t size = 0; size < 40; ++size) {
        for (std::size_t at = 0; at <= size; ++at) {
            std::string value(size, 'a');
            if (at < size) value[at] = 'b';
            model.add(0, 1, value);
            model.add(0, 1, value);
        }
    }
    CHECK(model.holds(false));
}

TEST_CASE(
    "a set that gets the same values again and again takes the memory of the different ones") {
    std::mt19937_64 random(12);
    DistinctModel model(1, std::size_t{1} << 30);
    for (int i = 0; i < 300'000; ++i) model.add(0, 0, std::to_string(random() % 10'000));
    CHECK(model.used() < 10'000 * sizeof(DistinctEntry) * 4);
    CHECK(model.holds(true));
}

TEST_CASE("a set at the edge of its budget removes equal values before it exceeds it") {
    std::mt19937_64 random(13);
    constexpr std::size_t budget = 40'000 * sizeof(DistinctEntry);
    DistinctModel model(1, budget);
    for (int i = 0; i < 200'000; ++i) model.add(0, 0, std::to_string(random() % 20'000));
    CHECK(model.used() < budget);
    CHECK(model.holds(false));
}
