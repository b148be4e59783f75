#include <doctest/doctest.h>

#include "warnings/note_marks.hpp"
#include "warnings/total_names.hpp"

using namespace csvmill;

TEST_CASE("groups that may have all others are known in any case") {
    for (const Bytes text : {Bytes("ALL"), Bytes(" all: "), Bytes("Alle"), Bytes("ВСЕ"),
                             Bytes("VŠE"), Bytes("Tümü"), Bytes("全部")}) {
        CHECK(names_all(text));
    }
    for (const Bytes text :
         {Bytes(""), Bytes("al"), Bytes("Allee"), Bytes("overall"), Bytes("all of it")}) {
        CHECK_FALSE(names_all(text));
    }
}

TEST_CASE("a note begins with a mark, a number, or a word, or ends in a colon") {
    for (const Bytes text :
         {Bytes("* x"), Bytes(" Source "), Bytes("QUELLE"), Bytes("Updated:"), Bytes("1) x"),
          Bytes("(12)"), Bytes("[3] y"), Bytes("出典"), Bytes("更新：")}) {
        CHECK(begins_note(text));
    }
    for (const Bytes text : {Bytes(""), Bytes("Sources of x"), Bytes("1"), Bytes("(123)"),
                             Bytes("(1]"), Bytes("x*"), Bytes("12.")}) {
        CHECK_FALSE(begins_note(text));
    }
}
