#include <doctest/doctest.h>

#include <limits>

#include "run/json.hpp"
#include "text/error.hpp"

using namespace csvmill;

namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("JSON values are read as they are") {
    const Json json = Json::parse(
        " {\"a\":[null,true,false,-0,0,9223372036854775807,-9223372036854775808],\r\n"
        "\"\":{\"b\":\"\"} , \"t\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\xC3\xA9\"}\t");
    const Json::Array& items = json["a"].array();
    REQUIRE(items.size() == 7);
    CHECK(items[0].is_null());
    CHECK(items[1].boolean());
    CHECK_FALSE(items[2].boolean());
    CHECK(items[3].integer() == 0);
    CHECK(items[4].integer() == 0);
    CHECK(items[5].integer() == std::numeric_limits<std::int64_t>::max());
    CHECK(items[6].integer() == std::numeric_limits<std::int64_t>::min());
    CHECK(json[""]["b"].string().empty());
    CHECK(json["t"].string() == "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80\xC3\xA9");
    CHECK(json.has("a"));
    CHECK_FALSE(json.has("c"));
    CHECK_FALSE(items[1].has("a"));
}

TEST_CASE("what is not one JSON value is refused") {
    for (const char* text : {"",
                             " ",
                             "nul",
                             "nulls",
                             "True",
                             "1 2",
                             "01",
                             "-",
                             "+1",
                             "1.0",
                             "1e2",
                             "-01",
                             "0x1",
                             "9223372036854775808",
                             "-9223372036854775809",
                             "\"",
                             "\"a",
                             "\"\\",
                             "\"\\u12\"",
                             "\"\\u+123\"",
                             "\"\\uD800\"",
                             "\"\\uD800\\u0041\"",
                             "\"\\uDC00\"",
                             "\"\\x\"",
                             "\"\n\"",
                             "\"\xFF\"",
                             "\"\xC3\"",
                             "[",
                             "[1",
                             "[1,",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "{\"a\" 1}",
                             "{\"a\":1,\"a\":2}",
                             "]",
                             "}",
                             ",",
                             ":"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(Json::parse(text), StateError);
    }
    CHECK_THROWS_AS(Json::parse(Bytes("\"\0\"", 3)), StateError);
    CHECK_THROWS_AS(Json::parse(Bytes("1\0", 2)), StateError);
}

TEST_CASE("values are nested at most 100 deep") {
    CHECK(Json::parse(nested(100)).array().size() == 1);
    CHECK_THROWS_AS(Json::parse(nested(101)), StateError);
    CHECK_THROWS_AS(Json::parse(std::string(1 << 20, '[')), StateError);
    std::string objects;
    for (int i = 0; i < 101; ++i) objects += "{\"a\":";
    CHECK_THROWS_AS(Json::parse(objects), StateError);
}

TEST_CASE("a value of another type than the message needs is refused") {
    const Json json = Json::parse("{\"a\":1}");
    CHECK_THROWS_AS(json["b"], StateError);
    CHECK_THROWS_AS(json["a"]["b"], StateError);
    CHECK_THROWS_AS(json["a"].string(), StateError);
    CHECK_THROWS_AS(json["a"].boolean(), StateError);
    CHECK_THROWS_AS(json["a"].array(), StateError);
    CHECK_THROWS_AS(json.integer(), StateError);
}

TEST_CASE("what is written is read again") {
    std::string all;
    for (char32_t c = 0; c < 0x80; ++c) all += static_cast<char>(c);
    all += "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    JsonWriter writer;
    writer.member("text", Bytes(all)).member("number", std::uint64_t{1} << 62U).member("yes", true);
    writer.member("no", false).null("none").raw("list", json_array({"a", all}));
    const std::string text = writer.finish();
    CHECK(text.find('\n') == std::string::npos);
    const Json json = Json::parse(text);
    CHECK(json["text"].string() == all);
    CHECK(json["number"].integer() == std::int64_t{1} << 62U);
    CHECK(json["yes"].boolean());
    CHECK_FALSE(json["no"].boolean());
    CHECK(json["none"].is_null());
    CHECK(json["list"].array()[1].string() == all);
}

TEST_CASE("fractions, empty objects and invalid texts are written as JSON") {
    CHECK(JsonWriter().finish() == "{}");
    CHECK(JsonWriter().member("s", 0.25).finish() == "{\"s\":0.25}");
    CHECK(JsonWriter().member("s", std::numeric_limits<double>::infinity()).finish() ==
          "{\"s\":null}");
    CHECK(JsonWriter().member("\xFF", "a\xC3").finish() == "{\"\xEF\xBF\xBD\":\"a\xEF\xBF\xBD\"}");
}
