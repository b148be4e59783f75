#include "state/entry_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "output/folder.hpp"
#include "state/entry_cursor.hpp"
#include "state/entry_merge.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

using Entry = std::pair<std::string, std::string>;
using Entries = std::vector<Entry>;

/// Sorted entries, some with equal keys, some with long ones that differ late.
Entries random_entries(std::mt19937& random, std::size_t count) {
    Entries entries(count);
    for (auto& [key, payload] : entries) {
        key = std::string(random() % 3 == 0 ? 150 : random() % 4, 'k');
        for (std::size_t i = random() % 4; i > 0; --i) key += static_cast<char>(random() % 3);
        payload = std::string(random() % 40, static_cast<char>('a' + random() % 20));
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

EntryFile file_of(const std::vector<Entries>& sections, const std::string& path, Scratch& scratch,
                  std::size_t block) {
    EntryFileWriter writer(path, sections.size(), 7, scratch, block);
    std::size_t longest = 0;
    for (const Entries& entries : sections) longest = std::max(longest, entries.size());
    for (std::size_t i = 0; i < longest; ++i)
        for (std::size_t section = 0; section < sections.size(); ++section)
            if (i < sections[section].size())
                writer.add(section, sections[section][i].first, sections[section][i].second);
    return writer.finish();
}

Entries read_all(EntryCursor cursor) {
    Entries entries;
    while (cursor.next()) entries.emplace_back(cursor.key(), cursor.payload());
    return entries;
}

void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("sections of a file are read from any key on") {
    const Folder folder;
    Scratch scratch(1 << 30);
    std::mt19937 random(3);
    for (const std::size_t block : {1UL, 50UL, 1000UL, 64UL << 10}) {
        const std::vector<Entries> sections = {
            random_entries(random, 300), {}, random_entries(random, 200)};
        const EntryFile file = file_of(sections, "file", scratch, block);
        Entries keys = random_entries(random, 50);
        keys.insert(keys.end(), sections[0].begin(), sections[0].end());
        keys.emplace_back();
        for (std::size_t section = 0; section < 3; ++section)
            for (const auto& [from, unused] : keys) {
                Entries expected;
                for (const Entry& entry : sections[section])
                    if (entry.first >= from) expected.push_back(entry);
                REQUIRE(read_all(EntryCursor(file, section, from)) == expected);
            }
    }
    CHECK(folder.files() == 0);  // Each file deletes itself, and gives back its bytes.
    scratch.take(1 << 30);
}

TEST_CASE("a file that another process wrote is read, and kept or deleted") {
    const Folder folder;
    Scratch scratch(1 << 20);
    std::mt19937 random(4);
    const std::vector<Entries> sections = {random_entries(random, 100)};
    file_of(sections, "file", scratch, 100).keep();
    {
        EntryFile file = EntryFile::open("file", 1, 7, scratch);
        CHECK(read_all(EntryCursor(file, 0, "")) == sections[0]);
        file.keep();
    }
    CHECK_THROWS_AS(EntryFile::open("file", 2, 7, scratch), StateError);
    CHECK_THROWS_AS(EntryFile::open("file", 1, 8, scratch), StateError);
    CHECK_THROWS_AS(EntryFile::open("none", 1, 7, scratch), AttemptFailed);
    CHECK(folder.files() == 1);
    EntryFile::open("file", 1, 7, scratch);
    CHECK(folder.files() == 0);
}

TEST_CASE("a file that is not finished is deleted") {
    const Folder folder;
    Scratch scratch(1000);
    {
        EntryFileWriter writer("file", 1, 7, scratch, 10);
        CHECK(folder.files() == 1);
        writer.add(0, "key", "payload");
        CHECK_THROWS_AS(writer.add(0, "other", std::string(200 << 10, 'x')), AttemptFailed);
    }
    CHECK(folder.files() == 0);
    scratch.take(1000);
}

TEST_CASE("a damaged file is refused: every bit that is turned, every cut") {
    const Folder folder;
    Scratch scratch(1 << 30);
    std::mt19937 random(5);
    const std::vector<Entries> sections = {random_entries(random, 25), random_entries(random, 10)};
    file_of(sections, "good", scratch, 200).keep();
    const std::string good = contents("good");
    const auto read = [&](const std::string& content) {
        std::filesystem::remove("bad");
        write_file("bad", content);
        const EntryFile file = EntryFile::open("bad", 2, 7, scratch);
        for (std::size_t section = 0; section < 2; ++section)
            read_all(EntryCursor(file, section, ""));
    };
    read(good);
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << (random() % 8)));
        REQUIRE_THROWS_AS(read(bad), StateError);
        REQUIRE_THROWS_AS(read(good.substr(0, i)), StateError);
    }
    CHECK_THROWS_AS(read(good + "x"), StateError);
    CHECK_THROWS_AS(read("x" + good), StateError);
}

TEST_CASE("files are merged by key, then by section or by payload") {
    const Folder folder;
    Scratch scratch(1 << 30);
    std::mt19937 random(6);
    for (std::size_t count = 0; count <= 9; ++count) {
        std::vector<EntryFile> files;
        Entries all;
        for (std::size_t i = 0; i < count; ++i) {
            const Entries entries = random_entries(random, i % 4 == 3 ? 0 : random() % 200);
            files.push_back(file_of({entries}, "file" + std::to_string(i), scratch, 100));
            all.insert(all.end(), entries.begin(), entries.end());
        }
        const auto by_key = [](const Entry& a, const Entry& b) { return a.first < b.first; };
        const std::string bounds[] = {"", "k", std::string(150, 'k') + "\1", "kk\2"};
        for (const Ties ties : {Ties::section, Ties::payload})
            for (const std::string& from : bounds)
                for (const std::string& to : bounds) {
                    if (!to.empty() && to < from) continue;
                    Entries expected = all;
                    std::stable_sort(expected.begin(), expected.end(), by_key);
                    if (ties == Ties::payload) std::sort(expected.begin(), expected.end());
                    std::erase_if(expected, [&](const Entry& entry) {
                        return entry.first < from || (!to.empty() && entry.first >= to);
                    });
                    std::vector<EntryCursor> cursors;
                    for (const EntryFile& file : files) cursors.emplace_back(file, 0, from);
                    EntryMerge merge(std::move(cursors), ties, from, to.empty() ? nullptr : &to);
                    Entries merged;
                    while (merge.next()) merged.emplace_back(merge.key(), merge.payload());
                    REQUIRE(merged == expected);
                }
    }
}

}  // namespace csvmill
