#include "state/key_cuts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace csvmill {

TEST_CASE("cuts divide keys into ranges in order, each key in one") {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        const std::string common(random() % 3, 'c');
        std::vector<std::string> keys(1 + random() % 200);
        for (std::string& key : keys) {
            key = common;
            // Many differ only after eight bytes.
            for (std::size_t i = random() % 4; i > 0; --i) key += "12345678";
            for (std::size_t i = random() % 4; i > 0; --i) key += static_cast<char>(random() % 3);
        }
        const std::vector<Bytes> sample(keys.begin(), keys.end());
        const KeyCuts cuts(sample, 1 + random() % 20);
        CHECK(cuts.from(0) == nullptr);
        CHECK(cuts.to(cuts.ranges() - 1) == nullptr);
        for (const std::string& key : keys) {
            const std::size_t range = cuts.range_of(key);
            REQUIRE(range < cuts.ranges());
            if (range > 0 && range + 1 < cuts.ranges())
                REQUIRE(key.starts_with(cuts.from(range)->substr(0, cuts.shared(range))));
            if (range > 0) REQUIRE(*cuts.from(range) <= key);
            if (range + 1 < cuts.ranges()) REQUIRE(key < *cuts.to(range));
        }
    }
}

TEST_CASE("cuts of different keys have ranges of about equal size") {
    std::vector<std::string> keys(10'000);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = std::to_string(i);
    const KeyCuts cuts(std::vector<Bytes>(keys.begin(), keys.end()), 100);
    CHECK(cuts.ranges() == 100);
    std::vector<std::size_t> sizes(cuts.ranges());
    for (const std::string& key : keys) ++sizes[cuts.range_of(key)];
    CHECK(*std::min_element(sizes.begin(), sizes.end()) >= 99);
    CHECK(*std::max_element(sizes.begin(), sizes.end()) <= 101);
}

}  // namespace csvmill
