#include "input/chain.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace csvmill;

TEST_CASE("A record of many blocks is moved only a few times while its blocks are collected") {
    constexpr std::size_t block_size = 4096;
    constexpr std::size_t blocks = 16384;
    const std::string block(block_size, 'x');
    Link link;
    link.retry = block_size * (blocks + 1);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < blocks; ++i) {
        const char* const before = link.tail.data();
        const std::size_t size = link.tail.size();
        REQUIRE(link.collect(block));
        if (link.tail.data() != before) moved += size;
    }
    CHECK(link.tail.size() == block_size * blocks);
    CHECK(moved < 3 * link.tail.size());
}

TEST_CASE("A block that makes a tail worth reading is not collected") {
    Link link;
    CHECK_FALSE(link.collect("a"));
    link.tail = "ab";
    link.retry = 4;
    CHECK(link.collect("c"));
    CHECK_FALSE(link.collect("d"));
    CHECK(link.tail == "abc");
}
