#include "run/scratch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "text/error.hpp"

namespace csvmill {

TEST_CASE("scratch that exceeds its limit is refused with the limit, and not counted") {
    Scratch scratch(1234567);
    scratch.take(1234567);
    CHECK_THROWS_WITH_AS(scratch.take(1),
                         "out of scratch disk: the limit of a job is 1,234,567 bytes "
                         "(CSVMILL_SCRATCH_LIMIT)",
                         AttemptFailed);
    CHECK_THROWS_AS(scratch.take(~std::uint64_t{0}), AttemptFailed);
    scratch.give(1);
    scratch.take(1);
    CHECK(scratch.peak() == 1234567);
}

TEST_CASE("threads share the limit, the peak and the names of scratch") {
    Scratch scratch(1 << 30);
    std::vector<std::vector<std::string>> names(4);
    std::vector<std::thread> threads;
    for (auto& own : names)
        threads.emplace_back([&own, &scratch] {
            for (int i = 0; i < 1000; ++i) {
                scratch.take(3);
                own.push_back(scratch.new_name("state"));
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(scratch.peak() == 12000);
    std::set<std::string> all;
    for (const auto& own : names) all.insert(own.begin(), own.end());
    CHECK(all.size() == 4000);
    CHECK(all.contains("state-0"));
}

}  // namespace csvmill
