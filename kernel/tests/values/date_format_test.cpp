#include "values/date_format.hpp"

#include <doctest/doctest.h>

#include <string>

#include "text/error.hpp"
#include "values/cell_hints.hpp"

using namespace csvmill;

namespace {

std::string iso(Bytes format, Bytes cell) {
    const DateFormat dates(format);
    Moment moment;
    if (!dates.read(cell, moment)) return "none";
    std::string text;
    dates.append_iso(moment, text);
    return text;
}

}  // namespace

TEST_CASE("a pattern reads its cells, and writes them as ISO 8601") {
    CHECK(iso("%d/%m/%Y", "31/12/2020") == "2020-12-31");
    CHECK(iso("%d/%m/%Y", "1/2/2020") == "2020-02-01");
    CHECK(iso("%m/%d/%y", "12/31/68") == "2068-12-31");
    CHECK(iso("%m/%d/%y", "12/31/69") == "1969-12-31");
    CHECK(iso("%Y%m%d%H%M%S", "20201231235958") == "2020-12-31T23:59:58");
    CHECK(iso("%d %b %Y", "31 dEc 2020") == "2020-12-31");
    CHECK(iso("%B %d, %Y", "may 1, 2020") == "2020-05-01");
    CHECK(iso("%d.%m.%Y %I:%M %p", "1.2.2020 12:05 am") == "2020-02-01T00:05");
    CHECK(iso("%d.%m.%Y %I:%M %p", "1.2.2020 1:05 PM") == "2020-02-01T13:05");
    CHECK(iso("%Y-%m-%d %H:%M:%S.%f", "2020-02-01 3:04:05.070") == "2020-02-01T03:04:05.070");
    CHECK(iso("%Y-%m-%d %H:%M %z", "2020-02-01 03:04 -0130") == "2020-02-01T03:04-01:30");
    CHECK(iso("%Y-%m-%d %H:%M%z", "2020-02-01 03:04Z") == "2020-02-01T03:04Z");
    CHECK(iso("100%% %Y-%m-%d", "100% 2020-02-01") == "2020-02-01");
}

TEST_CASE("other cells are not read") {
    for (const char* cell :
         {"", "31/12/2020 ", " 31/12/2020", "31/12/20", "32/12/2020", "31/13/2020", "30/02/2020",
          "0/1/2020", "1/0/2020", "1/1/0000", "001/1/2020", "31-12-2020", "31/12"}) {
        CAPTURE(cell);
        CHECK(iso("%d/%m/%Y", cell) == "none");
    }
    // Adjacent numbers need all their digits.
    CHECK(iso("%Y%m%d", "2020111") == "none");
    CHECK(iso("%Y%m%d", "2020021") == "none");
    CHECK(iso("%d%m%Y", "1112020") == "none");
    CHECK(iso("%d.%m.%Y %H:%M", "1.2.2020 24:00") == "none");
    CHECK(iso("%d.%m.%Y %H:%M", "1.2.2020 9:60") == "none");
    CHECK(iso("%d.%m.%Y %I:%M %p", "1.2.2020 0:05 AM") == "none");
    CHECK(iso("%d.%m.%Y %I:%M %p", "1.2.2020 13:05 PM") == "none");
}

TEST_CASE("seconds and milliseconds since 1970 are points in time in UTC") {
    CHECK(iso("epoch", "0") == "1970-01-01T00:00:00Z");
    CHECK(iso("epoch", "1580515199.50") == "2020-01-31T23:59:59.5Z");
    CHECK(iso("epoch", "-0.000000001") == "1969-12-31T23:59:59.999999999Z");
    CHECK(iso("epoch", "-62135596800") == "0001-01-01T00:00:00Z");
    CHECK(iso("epoch", "-62135596801") == "none");
    CHECK(iso("epoch", "-62135596800.5") == "none");
    CHECK(iso("epoch", "253402300799.999") == "9999-12-31T23:59:59.999Z");
    CHECK(iso("epoch", "253402300800") == "none");
    CHECK(iso("epoch_ms", "-1") == "1969-12-31T23:59:59.999Z");
    CHECK(iso("epoch_ms", "1580515199000") == "2020-01-31T23:59:59Z");
    for (const char* cell : {"", "-", "+1", "1e9", "1.", ".5", "1.0000000001", "1234567890123"}) {
        CAPTURE(cell);
        CHECK(iso("epoch", cell) == "none");
    }
    CHECK(iso("epoch_ms", "1.5") == "none");
}

TEST_CASE("every day since the year 1 is that many days after it") {
    int bad = 0;
    for (std::int64_t day = 0; day < days_of_calendar; ++day) {
        const CalendarDate date = date_after(day);
        Moment moment;
        moment.date = date;
        if (!is_valid(date) || instant_of(moment).seconds != day * seconds_of_day) ++bad;
    }
    CHECK(bad == 0);
}

TEST_CASE("dates with zones are compared as points in time") {
    const DateFormat zoned("iso_zoned");
    CHECK(zoned.zoned());
    CHECK(*zoned.instant("2020-01-01T12:00+02:00") == *zoned.instant("2020-01-01T10:00Z"));
    CHECK(*zoned.instant("2020-01-01T12:00-0130") == *zoned.instant("2020-01-01T13:30Z"));
    CHECK(!zoned.instant("2020-01-01T12:00"));
    CHECK(!zoned.instant("2020-01-01"));
    CHECK(!DateFormat().instant("2020-01-01T12:00Z"));
    CHECK(DateFormat("%Y-%m-%d %H:%M%z").zoned());
    CHECK(!DateFormat("%Y-%m-%d").zoned());
    CHECK(DateFormat("epoch").of_values().text() == "iso_zoned");
    CHECK(DateFormat("%d/%m/%Y").of_values().text() == "iso");
}

TEST_CASE("messages show the format, with an example") {
    CHECK(DateFormat("%d/%m/%y %I:%M %p").expected(false) ==
          "a date written as %d/%m/%y %I:%M %p, such as 31/01/20 11:59 PM");
    CHECK(date_hint("2020-01-01T12:00Z", DateFormat()).find("iso_zoned") != std::string::npos);
    CHECK(date_hint("2020-01-01T12:00", DateFormat()).empty());
    CHECK(date_hint("2020-01-01T12:00Z", DateFormat("epoch")).empty());
    CHECK(date_hint("1/2/2020", DateFormat()) ==
          "; if it is one, set input.date to '%d/%m/%Y' or '%m/%d/%Y'");
    CHECK(date_hint("1577836800", DateFormat()) == "; if it is one, set input.date to 'epoch'");
    CHECK(date_hint("soon", DateFormat()).empty());
    CHECK(means_missing("N/A"));
    CHECK_FALSE(means_missing("NAB"));
}

TEST_CASE("a format that is none is refused") {
    for (const char* format :
         {"", "x", "%", "%d/%m/%Y%", "%q/%d/%m/%Y", "%d/%m", "%d/%d/%m/%Y", "%d/%m/%Y/%y",
          "%d/%m/%b/%Y", "%d/%m/%Y %M", "%d/%m/%Y %H:%S", "%d/%m/%Y %H%I%p", "%d/%m/%Y %I",
          "%d/%m/%Y %p", "%d/%m/%Y %z", "%d/%m/%Y %H:%M:%S.%f0"}) {
        CAPTURE(format);
        CHECK_THROWS_AS(DateFormat{Bytes(format)}, StateError);
    }
}
