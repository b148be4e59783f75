#include "query/text_probe.hpp"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "text/likeness.hpp"

using namespace csvmill;

namespace {

/// A cell as those of a batch: with what can be read after it.
class Padded {
public:
    explicit Padded(Bytes cell)
        : size_(cell.size()), text_(std::string(cell) + std::string(after)) {}
    Bytes cell() const { return Bytes(text_).substr(0, size_); }

private:
    static constexpr Bytes after = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
    static_assert(after.size() >= cell_padding);
    std::size_t size_;
    std::string text_;
};

bool may_match(const std::vector<std::string>& texts, Bytes cell) {
    return TextProbe(texts).may_match(Padded(cell).cell());
}

std::string likeness(Bytes text) {
    std::string to;
    append_likeness(to, text);
    return to;
}

}  // namespace

TEST_CASE("a probe lets all cells pass that equal a text or look like it") {
    const std::vector<std::string> texts{"DE", "a longer text, of 30 characters", "Köln", "é"};
    for (const std::string& text : texts) CHECK(may_match(texts, text));
    for (const Bytes cell : {Bytes("de"), Bytes(" DE"), Bytes("\tDe "),
                             Bytes("\xC2\xA0"
                                   "DE"),
                             Bytes("D\xC2\xAD"
                                   "E"),
                             Bytes("KÖLN"), Bytes("Ko\xCC\x88ln"), Bytes("e\xCC\x81"),
                             Bytes("A LONGER TEXT, of 30 characters")}) {
        CHECK(may_match(texts, cell));
        for (const std::string& text : texts) {
            if (likeness(text) == likeness(cell)) CHECK(may_match({text}, cell));
        }
    }
}

TEST_CASE("a probe rules out cells that begin otherwise") {
    CHECK_FALSE(may_match({"DE"}, "FR"));
    CHECK_FALSE(may_match({"DE"}, "D"));
    CHECK_FALSE(may_match({"song 1", "song 22"}, "sony 1"));
    CHECK_FALSE(may_match({"a-longer-text,of-29-letters"}, "a-longer-test,of-29-letters"));
    // Beyond its first 16 bytes, or its first blank, nothing is compared.
    CHECK(may_match({"a-longer-text,of-29-letters"}, "a-longer-text,of-30-letters"));
    CHECK(may_match({"a longer text"}, "a longer test"));
}

TEST_CASE("a probe of no text, or of an empty one, rules out nothing that may be blank") {
    for (const Bytes cell : {Bytes(""), Bytes(" "), Bytes("\xC2\xA0"), Bytes("\xE2\x80\x8B")}) {
        CHECK(may_match({""}, cell));
        CHECK(may_match({"", "DE"}, cell));
    }
    CHECK(may_match({"DE", ""}, "DE"));
}

TEST_CASE("a probe never rules out what looks like a text, for random texts") {
    const std::array<Bytes, 14> pieces{"a",        "A",   "b", " ", "\t",       "-",
                                       "é",        "É",   "e", "k", "\xCC\x81", "\xE2\x84\xAA",
                                       "\xC2\xAD", "ab c"};
    std::mt19937 random(7);
    const auto made = [&](std::size_t most) {
        std::string text;
        for (std::size_t i = random() % (most + 1); i > 0; --i) {
            text += pieces[random() % pieces.size()];
        }
        return text;
    };
    for (int i = 0; i < 20000; ++i) {
        std::vector<std::string> texts{made(4)};
        if (i % 2 == 0) texts.push_back(made(12));
        const std::string cell = made(5);
        for (const std::string& text : texts) {
            const bool alike = text == cell || likeness(text) == likeness(cell);
            if (alike) REQUIRE_MESSAGE(may_match(texts, cell), text << " and " << cell);
        }
    }
}

TEST_CASE("a short text equals the cells that are it, whatever follows them") {
    std::string text;
    for (std::size_t size = 0; size <= ShortText::most; ++size) {
        const ShortText value(text);
        CHECK(value.equals(Padded(text).cell()));
        CHECK_FALSE(value.equals(Padded(text + "z").cell()));
        CHECK_FALSE(value.equals(Padded(text + std::string(40, 'z')).cell()));
        CHECK_FALSE(ShortText(text.substr(0, size / 2) + "y").equals(Padded(text).cell()));
        for (std::size_t i = 0; i < size; ++i) {
            std::string other = text;
            other[i] = static_cast<char>(other[i] ^ ' ');
            CHECK_FALSE(value.equals(Padded(other).cell()));
            CHECK_FALSE(value.equals(Padded(text.substr(0, i)).cell()));
        }
        text += size % 3 == 0 ? '\xFF' : 'z';
    }
}
