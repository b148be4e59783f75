#include "state/part_account.hpp"

#include <algorithm>

#include "csv/dialect.hpp"
#include "state/encoding.hpp"

namespace csvmill {

namespace {

constexpr auto most_above = static_cast<std::uint64_t>(Above::empty_line);
constexpr std::uint64_t account_version = 7;

}  // namespace

void PartAccount::write(std::string& to) const {
    for (const std::uint64_t number : {account_version,
                                       statistics,
                                       begin,
                                       end,
                                       first_input,
                                       last_input,
                                       lines,
                                       aggregated,
                                       filtered,
                                       problems,
                                       omitted,
                                       of_several_lines,
                                       most_lines,
                                       passed_over,
                                       padded,
                                       truncated,
                                       footer,
                                       open_line,
                                       above,
                                       header_line,
                                       std::uint64_t{names.size()}}) {
        append_varint(to, number);
    }
    for (const std::string& name : names) {
        append_varint(to, name.size());
        to += name;
    }
    doubts.write(to);
    utf8.write(to);
}

PartAccount PartAccount::read(Bytes from) {
    const std::uint64_t form = take_varint(from);
    if (form != account_version || take_varint(from) != statistics)
        throw StateError("a state file was written by another version");
    PartAccount account;
    for (std::uint64_t* number :
         {&account.begin, &account.end, &account.first_input, &account.last_input, &account.lines,
          &account.aggregated, &account.filtered, &account.problems, &account.omitted,
          &account.of_several_lines, &account.most_lines, &account.passed_over, &account.padded,
          &account.truncated, &account.footer, &account.open_line, &account.above,
          &account.header_line}) {
        *number = take_varint(from);
    }
    const std::uint64_t columns = take_varint(from);
    if (account.begin > account.end || account.first_input > account.last_input ||
        account.above > most_above || columns == 0 || columns > column_limit)
        throw StateError("a state file is damaged: its account has a wrong number");
    for (std::uint64_t i = 0; i < columns; ++i) {
        account.names.emplace_back(take_bytes(from, take_varint(from)));
    }
    account.doubts = Doubts::read(from);
    account.utf8 = Utf8Evidence::read(from);
    if (!from.empty()) throw StateError("a state file is damaged: its account is too long");
    return account;
}

void PartAccount::append(const PartAccount& next) {
    end = next.end;
    if (footer == 0) doubts.append(next.doubts, lines, static_cast<Above>(above));
    utf8.append(next.utf8);
    lines += next.lines;
    if (footer > 0) {
        // It is below the table, though it was read as if it had records.
        passed_over += next.lines;
        if (next.end > next.begin) open_line = next.open_line;
        return;
    }
    passed_over += next.passed_over;
    footer = next.footer;
    if (next.above != static_cast<std::uint64_t>(Above::nothing)) above = next.above;
    open_line = next.open_line;
    add_counts(next);
}

void PartAccount::append_input(const PartAccount& next) {
    passed_over = all_passed_over() + next.passed_over;
    end += next.end - next.begin;
    last_input = next.last_input;
    doubts.append(next.doubts, 0, Above::nothing);
    lines += next.lines;
    footer = next.footer;
    open_line = next.open_line;
    add_counts(next);
}

void PartAccount::add_counts(const PartAccount& next) {
    padded += next.padded;
    truncated += next.truncated;
    aggregated += next.aggregated;
    filtered += next.filtered;
    problems += next.problems;
    omitted += next.omitted;
    of_several_lines += next.of_several_lines;
    most_lines = std::max(most_lines, next.most_lines);
}

}  // namespace csvmill
