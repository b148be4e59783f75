#include "input/footer.hpp"

#include <doctest/doctest.h>

#include <string>

#include "text/error.hpp"

using namespace csvmill;

namespace {

/// The text without its footer, read in blocks of `size` bytes, and the number of lines left out.
std::pair<std::string, std::uint64_t> without_footer(Bytes text, std::uint64_t lines,
                                                     std::size_t size) {
    Dialect dialect;
    dialect.footer_lines = lines;
    Footer footer(dialect);
    std::string rest;
    for (std::size_t at = 0; at < text.size(); at += size) {
        Buffer block;
        block.reset(2, size);
        block.append(text.substr(at, size));
        footer.hold(block);
        rest += block.content();
    }
    return {rest, footer.finish()};
}

}  // namespace

TEST_CASE("The last lines are left out, however the text is cut into blocks") {
    for (const std::size_t size : {1, 2, 3, 5, 100}) {
        const auto check = [&](Bytes text, std::uint64_t lines, Bytes rest, std::uint64_t left) {
            CAPTURE(text);
            const auto found = without_footer(text, lines, size);
            CHECK(found.first == rest);
            CHECK(found.second == left);
        };
        check("a\nb\nc\n", 1, "a\nb\n", 1);
        check("a\nb\nc", 1, "a\nb\n", 1);
        check("a\nb\nc\n\n", 2, "a\nb\n", 2);
        check("a\r\nb\r\nc\r\n", 2, "a\r\n", 2);
        check("a\nb\n", 2, "", 2);
        check("a\nb", 9, "", 2);
        check("", 3, "", 0);
        check("\n", 1, "", 1);
    }
}

TEST_CASE("A footer of more bytes than may be held back is refused") {
    const std::string line(Footer::limit, 'x');
    CHECK(without_footer("a\n" + line, 1, line.size()).first == "a\n");
    CHECK_THROWS_AS(without_footer("a\n" + line + "\n", 1, line.size()), MalformedInput);
    // Long lines that are not the last ones do not matter.
    CHECK(without_footer(line + line + "\nb\nc\n", 2, line.size()).first == line + line + "\n");
}
