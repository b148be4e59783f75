#include "values/date.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

using namespace csvmill;

namespace {

std::string truncated(Bytes cell, Truncation truncation) {
    std::string text = "before ";
    if (!append_truncated(cell, truncation, text)) return text == "before " ? "none" : "changed";
    return text.substr(7);
}

std::string text_of(int year, int month, int day) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", year, month, day);
    return text.data();
}

}  // namespace

TEST_CASE("every day from year 1 to 9999 is read, in order, and no other") {
    std::int64_t next = 0;
    int weekday = 0;  // 0001-01-01 is a Monday.
    int bad = 0;
    for (int year = 1; year <= 9999; ++year) {
        const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; ++month) {
            const int days = month == 2 ? (leap ? 29 : 28)
                             : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                                     : 31;
            for (int day = 1; day <= days; ++day, weekday = (weekday + 1) % 7, ++next) {
                // Reading the ends of months is enough to find errors.
                if (day > 1 && day < 28) continue;
                const auto instant = read_date(text_of(year, month, day));
                if (!instant || *instant != Instant{next * 86400, 0}) ++bad;
            }
            if (read_date(text_of(year, month, days + 1))) ++bad;
        }
    }
    CHECK(bad == 0);
    CHECK(next == 3652059);  // `date.max.toordinal()` in Python.
}

TEST_CASE("times are read, with up to nine decimals") {
    const std::int64_t day = read_date("2020-01-31")->seconds;
    CHECK(*read_date("2020-01-31T23:59") == Instant{day + 86340, 0});
    CHECK(*read_date("2020-01-31 23:59:58") == Instant{day + 86398, 0});
    CHECK(*read_date("2020-01-31T00:00:00.5") == Instant{day, 500000000});
    CHECK(*read_date("2020-01-31T00:00:00.000000001") == Instant{day, 1});
    CHECK(*read_date("2020-01-31T00:00:00.50") == *read_date("2020-01-31T00:00:00.5"));
}

TEST_CASE("other texts are no dates") {
    for (const char* cell : {"",
                             "2020",
                             "2020-1-31",
                             "2020-01-3",
                             "2020-02-30",
                             "1900-02-29",
                             "0000-01-01",
                             "2020-00-10",
                             "2020-13-01",
                             "2020-01-00",
                             "2020/01/31",
                             "20200131",
                             "2020-01-31T",
                             "2020-01-31T24:00",
                             "2020-01-31T23:60",
                             "2020-01-31T23:59:60",
                             "2020-01-31T23",
                             "2020-01-31T23:59:",
                             "2020-01-31T23:59:59.",
                             "2020-01-31T23:59:59.1234567890",
                             "2020-01-31t23:59",
                             "2020-01-31 ",
                             " 2020-01-31",
                             "2020-01-31Z",
                             "2020-01-31T23:59:59z",
                             "2020-01-31T23:59+24:00",
                             "2020-01-31T23:59+02",
                             "2020-01-31T23:59+02:60",
                             "2020-01-31T23:59:59+02:00 ",
                             "2020-01-3\xb1",
                             "\xb2\x30\x32\x30-01-31"}) {
        CAPTURE(cell);
        CHECK(!read_date(cell));
        CHECK(truncated(cell, Truncation::day) == "none");
    }
}

TEST_CASE("a time zone is refused by comparisons, and kept by truncation") {
    for (const char* cell :
         {"2020-12-31T23:59Z", "2020-12-31T23:59:59+02:00", "2020-12-31 23:59:59.123456789-0230"}) {
        CAPTURE(cell);
        CHECK(!read_date(cell));
        CHECK(truncated(cell, Truncation::day) == "2020-12-31");
        CHECK(truncated(cell, Truncation::week) == "2020-W53");
        CHECK(truncated(cell, Truncation::month) == "2020-12");
        CHECK(truncated(cell, Truncation::year) == "2020");
    }
}

TEST_CASE("ISO weeks belong to the year of their Thursday") {
    CHECK(truncated("0001-01-01", Truncation::week) == "0001-W01");
    CHECK(truncated("9999-12-31", Truncation::week) == "9999-W52");
    CHECK(truncated("2021-01-03", Truncation::week) == "2020-W53");
    CHECK(truncated("2021-01-04", Truncation::week) == "2021-W01");
    CHECK(truncated("2019-12-30", Truncation::week) == "2020-W01");
    CHECK(truncated("2018-12-31", Truncation::week) == "2019-W01");
    CHECK(truncated("2016-01-03", Truncation::week) == "2015-W53");
    CHECK(truncated("2024-02-29", Truncation::week) == "2024-W09");
}
