#include "csv/faults.hpp"

#include <doctest/doctest.h>

using namespace csvmill;

TEST_CASE("the line on which a quote was opened moves with the part of the file") {
    const Dialect dialect;
    const std::string data = "a,\"b\nc\",\"d (opened on line 9)";
    const std::string expected = never_closed(dialect, data, 0, 8, 107, 3).found;
    std::string found = never_closed(dialect, data, 0, 8, 7, 3).found;
    CHECK(found.ends_with(" (opened on line 8)"));
    move_opened_line(found, 100);
    CHECK(found == expected);
    // Other messages stay as they are.
    for (const std::string text : {"", "x", "a (opened on line 7) b", " (opened on line )",
                                   "' (opened on line 7", "' (opened on line 7x)"}) {
        std::string moved = text;
        move_opened_line(moved, 100);
        CHECK(moved == text);
    }
}
