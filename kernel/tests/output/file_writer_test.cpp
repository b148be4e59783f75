#include "output/file_writer.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <random>

#include "folder.hpp"
#include "text/error.hpp"

namespace csvmill {

TEST_CASE("a file has all bytes in order, whatever their pieces") {
    const Folder folder;
    Scratch scratch(1 << 30);
    std::mt19937 random(1);
    std::string all;
    FileWriter writer("file", scratch);
    for (const std::size_t most : {10UL, 5'000UL, 100'000UL, 400'000UL})
        for (int i = 0; i < 20; ++i) {
            const std::string piece(random() % most, static_cast<char>('a' + random() % 26));
            writer.write(piece);
            all += piece;
        }
    writer.finish();
    writer.finish();
    CHECK(contents("file") == all);
    CHECK(writer.size() == all.size());
    CHECK(scratch.peak() == all.size());
}

TEST_CASE("a file of many windows has all bytes, though they go to the disk meanwhile") {
    const Folder folder;
    Scratch scratch(1 << 30);
    FileWriter writer("file", scratch);
    std::string all;
    for (int i = 0; i < 60; ++i) {
        const std::string piece((1 << 20) + i, static_cast<char>('a' + i % 26));
        writer.write(piece);
        all += piece;
    }
    writer.finish();
    CHECK((contents("file") == all));
}

TEST_CASE("a file that exists is not overwritten") {
    const Folder folder;
    Scratch scratch(1 << 20);
    FileWriter("file", scratch).finish();
    CHECK_THROWS_AS(FileWriter("file", scratch), AttemptFailed);
    CHECK_THROWS_AS(FileWriter("no/such/folder", scratch), AttemptFailed);
}

TEST_CASE("the limit of scratch and that of the system end a file") {
    const Folder folder;
    Scratch scratch(1 << 20);
    FileWriter limited("limited", scratch);
    CHECK_THROWS_AS(limited.write(std::string((1 << 20) + 1, 'x')), AttemptFailed);

    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{300'001, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    FileWriter writer("system", scratch);
    CHECK_THROWS_AS(writer.write(std::string(400'000, 'x')), AttemptFailed);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(contents("system") == std::string(300'001, 'x'));  // After a short write.
}

}  // namespace csvmill
