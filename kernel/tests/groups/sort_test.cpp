#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "groups/table.hpp"

using namespace csvmill;

namespace {

/// Sorts `keys`, after the prefix that they share, and compares with a plain sort.
void check_sorting(std::vector<std::string> keys, const char* what) {
    CAPTURE(what);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::size_t shared = 0;
    while (shared < keys.front().size() && shared < keys.back().size() &&
           keys.front()[shared] == keys.back()[shared]) {
        ++shared;
    }
    const std::vector<std::string> expected = keys;
    std::shuffle(keys.begin(), keys.end(), std::mt19937(1));

    const Query query;
    const Layout layout(query);
    std::vector<std::vector<std::uint64_t>> memory;
    std::vector<Group*> groups;
    for (const std::string& key : keys) {
        memory.emplace_back((layout.header_size() + key.size() + 7) / 8);
        Group* group = new (memory.back().data()) Group;
        group->key_size = static_cast<std::uint32_t>(key.size()) & max_key_size;
        std::copy(key.begin(), key.end(), reinterpret_cast<char*>(group) + layout.header_size());
        groups.push_back(group);
    }
    for (const std::size_t skip : {std::size_t{0}, shared / 2, shared}) {
        std::vector<SortedGroup> sorted;
        for (Group* group : groups) sorted.push_back({0, group});
        load_prefixes(sorted, layout, skip);
        const std::vector<SortedGroup> before = sorted;
        sort_groups(sorted, layout, skip);
        std::vector<std::string> got;
        for (const SortedGroup& item : sorted) got.emplace_back(layout.key(item.group));
        CHECK((got == expected));
        // Prefixes are still those of their groups.
        std::vector<SortedGroup> again = sorted;
        load_prefixes(again, layout, skip);
        CHECK(std::equal(again.begin(), again.end(), sorted.begin(),
                         [](const auto& a, const auto& b) { return a.prefix == b.prefix; }));
    }
}

}  // namespace

TEST_CASE("groups are sorted bytewise, whatever their keys are") {
    std::mt19937_64 random(11);
    for (const std::size_t count : {1, 2, 20, 33, 700, 20'000}) {
        std::vector<std::string> songs;
        std::vector<std::string> bytes;
        std::vector<std::string> nuls;
        for (std::size_t i = 0; i < count; ++i) {
            songs.push_back("song-" + std::to_string(random() % (count / 4 + 1)) +
                            std::string(2, '\0') + "2024-0" + std::to_string(random() % 10) + "-" +
                            std::to_string(random() % 30));
            std::string& text = bytes.emplace_back();
            for (std::size_t size = random() % 20; text.size() < size;) {
                text.push_back(static_cast<char>(random()));
            }
            nuls.push_back(std::string(random() % 60, '\0') +
                           std::string(random() % 2, static_cast<char>(random() % 3)));
        }
        check_sorting(songs, "songs and dates");
        check_sorting(bytes, "any bytes");
        check_sorting(nuls, "mostly NULs");
    }
}

TEST_CASE("keys of which each begins with the one before are sorted without deep recursion") {
    std::vector<std::string> keys;
    for (std::size_t size = 0; size < 3000; ++size) keys.emplace_back(size, 'a');
    check_sorting(keys, "each one byte longer");
    keys.clear();
    for (std::size_t i = 0; i < 200; ++i) {
        keys.push_back(std::string(100'000, 'x') + std::to_string(i));
        keys.push_back(std::string(i * 97, 'x') + "y");
    }
    check_sorting(keys, "long keys with long common prefixes");
}
