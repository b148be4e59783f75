#include "query/text_set.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace csvmill;

TEST_CASE("a set has its texts, and no others") {
    CHECK_FALSE(TextSet().contains(""));
    CHECK_FALSE(TextSet(std::vector<std::string>()).contains("a"));
    std::vector<std::string> texts = {"", "a", "a", std::string(1, '\0'), std::string(100, 'x')};
    for (int i = 0; i < 1000; i += 3) texts.push_back("text " + std::to_string(i));
    const TextSet set(texts);
    for (const std::string& text : texts) CHECK(set.contains(text));
    for (int i = 1; i < 1000; i += 3) CHECK_FALSE(set.contains("text " + std::to_string(i)));
    for (const char* other : {"b", " ", "text", "text 00", "xx"}) CHECK_FALSE(set.contains(other));
    CHECK_FALSE(set.contains(std::string(99, 'x')));
}
