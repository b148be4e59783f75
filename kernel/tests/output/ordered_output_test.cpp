#include "output/ordered_output.hpp"

#include <doctest/doctest.h>

#include <random>
#include <stdexcept>

#include "folder.hpp"
#include "output/parallel.hpp"

namespace csvmill {

TEST_CASE("rows are written in the order of their ranges, up to the limit, with little waiting") {
    const Folder folder;
    std::mt19937 random(2);
    for (int round = 0; round < 60; ++round) {
        Scratch scratch(1 << 30);
        std::vector<std::vector<std::string>> ranges(random() % 60);
        std::string all;
        std::uint64_t rows = 0;
        for (auto& range : ranges)
            for (std::size_t i = random() % 20; i > 0; --i) {
                range.push_back(std::to_string(random()) + "\n");
                ++rows;
            }
        std::optional<std::uint64_t> limit;
        if (round % 2 == 1) limit = 1 + random() % 300;
        std::uint64_t count = 0;
        for (const auto& range : ranges)
            for (const auto& row : range)
                if (!limit || count < *limit) {
                    all += row;
                    ++count;
                }
        FileWriter writer("result", scratch);
        OrderedOutput output(writer, limit, round % 3 == 0 ? 1 : 100);
        Tasks tasks(ranges.size());
        run_on_threads(1 + random() % 4, [&] {
            Rows some;
            for (std::size_t number = 0; tasks.take(number);) {
                for (const std::string& row : ranges[number]) {
                    some.text += row;
                    ++some.count;
                    if (limit) some.ends.push_back(some.text.size());
                    if (row.size() % 3 == 0 && !output.put(number, some, false)) return;
                }
                if (!output.put(number, some, true)) return;
            }
        });
        writer.finish();
        CHECK(output.count() == count);
        CHECK((contents("result") == all));
        std::filesystem::remove("result");
    }
}

TEST_CASE("if a thread fails, the others end, and its exception is thrown") {
    const Folder folder;
    Scratch scratch(1 << 20);
    FileWriter writer("result", scratch);
    OrderedOutput output(writer, std::nullopt, 1);
    Tasks tasks(1000);
    const auto work = [&] {
        for (std::size_t number = 0; tasks.take(number);) {
            if (number == 10) throw std::runtime_error("failed");
            Rows some;
            some.text = "ten bytes.";
            if (!output.put(number, some, true)) return;
        }
    };
    const auto failed = [&] { output.fail(); };
    CHECK_THROWS_WITH(run_on_threads(3, work, failed), "failed");
    CHECK_THROWS_AS(for_each_task(2, 100,
                                  [](std::size_t i) {
                                      if (i > 5) throw std::logic_error("");
                                  }),
                    std::logic_error);
}

}  // namespace csvmill
