/// Rows for tests of groups, and a plain model of what must come out of them.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "groups/table.hpp"

namespace csvmill::test {

__extension__ using Wide = __int128;

/// A row: a number is `mantissa * 10^-scale` with a scale of at most 3.
struct Row {
    std::string key;
    std::uint64_t position = 0;
    std::optional<std::pair<std::int64_t, std::uint32_t>> number;
    std::string text;  ///< Empty: no value.
    std::string date;  ///< Of the form 2020-01-31 or 2020-01-31T00:00, or empty.
};

inline Aggregate aggregate(Function function, Kind kind, bool column = true) {
    Aggregate made;
    made.function = function;
    made.kind = kind;
    if (column) made.column = 0;
    return made;
}

/// Every aggregate that there is, but for those of squares and of long texts.
inline Query every_aggregate() {
    Query query;
    query.aggregates = {
        aggregate(Function::count, Kind::text, false),
        aggregate(Function::count, Kind::text),
        aggregate(Function::sum, Kind::number),
        aggregate(Function::avg, Kind::number),
        aggregate(Function::median, Kind::number),
        aggregate(Function::min, Kind::number),
        aggregate(Function::max, Kind::number),
        aggregate(Function::min, Kind::text),
        aggregate(Function::max, Kind::text),
        aggregate(Function::min, Kind::date),
        aggregate(Function::max, Kind::date),
        aggregate(Function::first, Kind::text),
        aggregate(Function::last, Kind::text),
        aggregate(Function::count_distinct, Kind::text),
        aggregate(Function::count_distinct, Kind::number),
        aggregate(Function::percentile, Kind::number),
        aggregate(Function::mode, Kind::number),
        aggregate(Function::mode, Kind::text),
    };
    query.aggregates[15].p = {995, 1};
    return query;
}

/// The instant of a date of a row: days are enough to order them.
inline Instant instant_of(const std::string& date) {
    const auto part = [&](std::size_t at, std::size_t size) {
        return std::stoll(date.substr(at, size));
    };
    return {((part(0, 4) * 12 + part(5, 2)) * 31 + part(8, 2)) * 86400, 0};
}

/// Adds rows to a table in batches, in which every third row is not selected.
inline void add_rows(const std::vector<Row>& rows, const Query& query, GroupTable& table) {
    Batch batch;
    batch.cells.resize(2);
    Cells& texts = batch.cells[0];
    Cells& dates = batch.cells[1];
    for (std::size_t begin = 0; begin < rows.size();) {
        batch.selected.size = 0;
        batch.values.clear();
        batch.values.resize(query.aggregates.size());
        for (Values& values : batch.values) {
            values.numbers.resize(batch_rows);
            values.dates.resize(batch_rows);
        }
        std::size_t row = 0;
        for (; row < batch_rows && begin < rows.size(); ++row) {
            if (row % 3 == 2) continue;
            const Row& from = rows[begin++];
            batch.selected.rows[batch.selected.size++] = static_cast<std::uint16_t>(row);
            batch.keys[row] = from.key;
            batch.positions[row] = from.position;
            texts[row] = from.text;
            dates[row] = from.date;
            for (std::size_t i = 0; i < batch.values.size(); ++i) {
                Values& values = batch.values[i];
                switch (query.aggregates[i].kind) {
                    case Kind::integer:
                    case Kind::number:
                        values.present[row] = from.number.has_value();
                        if (from.number) {
                            values.numbers[row] = Decimal(from.number->first, from.number->second);
                        }
                        break;
                    case Kind::date:
                        values.cells = &dates;
                        values.present[row] = !from.date.empty();
                        if (!from.date.empty()) values.dates[row] = instant_of(from.date);
                        break;
                    case Kind::text:
                        values.cells = &texts;
                        values.present[row] = !from.text.empty();
                        break;
                }
            }
        }
        batch.rows = row;
        table.add(batch);
    }
}

/// All groups of a table, unordered.
inline std::vector<Group*> groups_of(const GroupTable& table) {
    std::vector<Group*> groups;
    for (const auto piece : table.pieces()) {
        for_each_group(piece, table.layout(), [&](Group* group) { groups.push_back(group); });
    }
    return groups;
}

/// The digits of `mantissa * 10^-scale`.
inline std::string digits(Wide mantissa, std::uint32_t scale) {
    const bool negative = mantissa < 0;
    if (negative) mantissa = -mantissa;
    std::string text;
    for (; mantissa > 0 || text.size() <= scale; mantissa /= 10) {
        text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(mantissa % 10)));
    }
    if (scale > 0) text.insert(text.size() - scale, ".");
    return negative ? "-" + text : text;
}

/// `digits` without trailing zeros beyond `least` decimals.
inline std::string trimmed_digits(Wide mantissa, std::uint32_t scale, std::uint32_t least) {
    for (; scale > least && mantissa % 10 == 0; --scale) mantissa /= 10;
    return digits(mantissa, scale);
}

inline Wide power_of_ten(std::uint32_t exponent) {
    Wide power = 1;
    for (; exponent > 0; --exponent) power *= 10;
    return power;
}

/// The least of the values that occur most often.
template <typename Value>
Value most_frequent(const std::vector<Value>& values) {
    std::map<Value, std::size_t> counts;
    for (const Value& value : values) ++counts[value];
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most->first;
}

/// What `every_aggregate` gives for the rows of a group.
inline std::vector<std::string> expected_results(const std::vector<const Row*>& rows) {
    std::vector<Wide> thousandths;
    std::uint32_t scale = 0;
    std::vector<std::pair<Instant, std::string>> dates;
    std::map<std::uint64_t, std::string> by_position;
    std::set<std::string> texts;
    for (const Row* row : rows) {
        if (row->number) {
            thousandths.push_back(row->number->first * power_of_ten(3 - row->number->second));
            scale = std::max(scale, row->number->second);
        }
        if (!row->date.empty()) dates.emplace_back(instant_of(row->date), row->date);
        if (row->text.empty()) continue;
        by_position[row->position] = row->text;
        texts.insert(row->text);
    }
    std::sort(thousandths.begin(), thousandths.end());
    std::sort(dates.begin(), dates.end());
    std::vector<std::string> results = {std::to_string(rows.size()),
                                        std::to_string(by_position.size())};
    const Wide unit = power_of_ten(3 - scale);
    if (thousandths.empty()) {
        results.resize(7);
    } else {
        Wide sum = 0;
        for (const Wide value : thousandths) sum += value;
        sum /= unit;
        results.push_back(digits(sum, scale));

        const auto count = static_cast<Wide>(thousandths.size());
        const Wide dividend = (sum < 0 ? -sum : sum) * power_of_ten(6);
        Wide quotient = dividend / count;
        const Wide twice = 2 * (dividend % count);
        if (twice > count || (twice == count && quotient % 2 == 1)) ++quotient;
        results.push_back(trimmed_digits(sum < 0 ? -quotient : quotient, scale + 6, scale));

        const std::size_t size = thousandths.size();
        const Wide middle = thousandths[(size - 1) / 2] + thousandths[size / 2];
        results.push_back(trimmed_digits(middle * 5, 4, scale));
        results.push_back(digits(thousandths.front() / unit, scale));
        results.push_back(digits(thousandths.back() / unit, scale));
    }
    results.push_back(texts.empty() ? "" : *texts.begin());
    results.push_back(texts.empty() ? "" : *texts.rbegin());
    results.push_back(dates.empty() ? "" : dates.front().second);
    results.push_back(dates.empty() ? "" : dates.back().second);
    results.push_back(by_position.empty() ? "" : by_position.begin()->second);
    results.push_back(by_position.empty() ? "" : by_position.rbegin()->second);
    results.push_back(std::to_string(texts.size()));
    results.push_back(
        std::to_string(std::set<Wide>(thousandths.begin(), thousandths.end()).size()));

    if (thousandths.empty()) {
        results.insert(results.end(), 2, "");
    } else {
        const Wide place = 995 * static_cast<Wide>(thousandths.size() - 1);
        const auto rank = static_cast<std::size_t>(place / 1000);
        const Wide part = place % 1000;
        const Wide next = part > 0 ? thousandths[rank + 1] : 0;
        results.push_back(
            trimmed_digits(thousandths[rank] * (1000 - part) + next * part, 6, scale));
        results.push_back(digits(most_frequent(thousandths) / unit, scale));
    }
    std::vector<std::string> every;
    for (const Row* row : rows) {
        if (!row->text.empty()) every.push_back(row->text);
    }
    results.push_back(every.empty() ? "" : most_frequent(every));
    return results;
}

using Results = std::map<std::string, std::vector<std::string>>;

inline Results expected_results(const std::vector<Row>& rows) {
    std::map<std::string, std::vector<const Row*>> groups;
    for (const Row& row : rows) groups[row.key].push_back(&row);
    Results results;
    for (const auto& [key, of_group] : groups) results[key] = expected_results(of_group);
    return results;
}

/// Random rows of `groups` groups; numbers may be as large as 64 bits allow.
inline std::vector<Row> random_rows(std::mt19937_64& random, std::size_t count,
                                    std::size_t groups) {
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    std::vector<Row> rows(count);
    std::uint64_t position = 0;
    for (Row& row : rows) {
        const std::uint64_t group = below(groups);
        row.key =
            std::string(group % 41, static_cast<char>('a' + group % 3)) + std::to_string(group);
        row.position = position += 1 + below(100);
        const auto scale = static_cast<std::uint32_t>(group % 5 == 0 ? below(4) : group % 4);
        const std::uint64_t limit = group % 7 == 0 ? 1'000'000'000'000'000'000 : 1'000;
        if (below(10) > 0) {
            row.number = {
                static_cast<std::int64_t>(below(2 * limit)) - static_cast<std::int64_t>(limit),
                scale};
        }
        if (below(10) > 0) {
            row.text = std::string(below(8) == 0 ? below(90) : 0, '~') + std::to_string(below(40));
        }
        if (below(10) > 0) {
            row.date = "20" + std::to_string(10 + below(3)) + "-0" + std::to_string(1 + below(9)) +
                       "-1" + std::to_string(below(10));
            if (below(3) == 0) row.date += below(2) == 0 ? "T00:00" : " 00:00:00.000000000";
        }
    }
    return rows;
}

}  // namespace csvmill::test
