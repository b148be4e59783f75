#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "groups/aggregator.hpp"
#include "query/query.hpp"
#include "state/checksum.hpp"
#include "state/encoding.hpp"
#include "state/entry_cursor.hpp"
#include "state/group_states.hpp"
#include "state/parts.hpp"
#include "state/state_file.hpp"
#include "target.hpp"
#include "text/error.hpp"

namespace csvmill::fuzz {

namespace {

// Of state/entry_file.cpp: if they differ, every input is refused.
constexpr std::uint64_t magic = 0x3154534C4D5643;
constexpr std::uint64_t version = 1;
constexpr std::uint64_t header_size = 32;

/// A query with every function.
Query a_query() {
    Query query;
    query.group_by.emplace_back();
    for (const Function function :
         {Function::sum, Function::count, Function::count_distinct, Function::avg, Function::median,
          Function::min, Function::max, Function::first, Function::last, Function::variance,
          Function::stddev, Function::percentile, Function::mode, Function::concat_distinct}) {
        Aggregate aggregate;
        aggregate.function = function;
        aggregate.column = 1;
        aggregate.kind = Kind::number;
        aggregate.output = Kind::number;
        query.aggregates.push_back(aggregate);
    }
    return query;
}

const Layout& a_layout() {
    static const Query query = a_query();
    static const Layout layout(query);
    return layout;
}

std::size_t section_count() { return 1 + keeping_aggregates(a_layout()).size(); }

/// A file whose checksums are right: fuzzing does not find those.
std::string file_of(Bytes blocks, Bytes index, std::size_t sections) {
    std::string file;
    for (const std::uint64_t word :
         {magic, version, std::uint64_t{sections}, mark_of(a_layout())}) {
        append_word(file, word);
    }
    file += blocks;
    file += index;
    std::string footer;
    append_word(footer, index.size());
    append_word(footer, checksum(index, mark_of(a_layout())));
    append_word(footer, checksum(footer));
    return file + footer;
}

/// The index of a section that has one block, at `offset`.
void append_section(std::string& index, Bytes block, std::uint64_t offset, std::uint64_t entries) {
    append_varint(index, 1);
    append_varint(index, offset);
    append_varint(index, block.size());
    append_varint(index, entries);
    append_word(index, checksum(block, mark_of(a_layout())));
    append_varint(index, 0);
}

/// An index in which `block` is the only one of `section`.
std::string index_of(Bytes block, std::uint64_t entries, std::size_t section) {
    std::string index;
    for (std::size_t i = 0; i < section_count(); ++i) {
        if (i == section) {
            append_section(index, block, header_size, entries);
        } else {
            append_varint(index, 0);
        }
    }
    return index;
}

/// The state of a part without groups.
std::string part_of(Bytes problems, std::uint64_t entries, Bytes account) {
    std::string last;
    append_varint(last, 0);
    append_varint(last, 0);
    append_varint(last, account.size());
    last += account;
    std::string index;
    for (std::size_t i = 0; i < section_count(); ++i) append_varint(index, 0);
    append_section(index, problems, header_size, entries);
    append_varint(index, 0);
    append_section(index, last, header_size + problems.size(), 1);
    return file_of(std::string(problems) + last, index, section_count() + 3);
}

void read_part(const std::string& path) {
    Scratch scratch(std::uint64_t{1} << 30U);
    const Parts parts({path}, scratch);
    std::string text;
    parts.total().write(text);
    static_cast<void>(PartAccount::read(text));
    parts.each_problem(
        [](const KeptProblem& kept) {
            std::string payload;
            kept.write(payload);
            static_cast<void>(KeptProblem::read(kept.key(), payload));
            return true;
        },
        [](std::uint64_t) {});
    static_cast<void>(parts.groups(a_layout(), 1 << 20U));
}

void read_all(const std::string& path, Bytes from) {
    Scratch scratch(std::uint64_t{1} << 30U);
    const StateFile file = StateFile::open(path, a_layout(), scratch);
    static_cast<void>(file.sample(64));
    GroupStates states(a_layout());
    for (std::size_t section = 0; section < section_count(); ++section) {
        EntryCursor cursor(file.entries(), section, from);
        while (cursor.next()) {
            require(cursor.key() >= from);
            if (section > 0) continue;
            states.read(cursor.payload());
            std::string bytes;
            append_states(bytes, a_layout(), [&](std::size_t i) { return states.state(i); });
            GroupStates again(a_layout());
            again.read(bytes);
        }
    }
}

}  // namespace

void states(Bytes input) {
    const unsigned choice = take_choice(input);
    const unsigned entries = take_choice(input);
    const Bytes half = input.substr(0, input.size() / 2);
    const Bytes rest = input.substr(half.size());
    const std::string content =
        choice == 0   ? std::string(input)
        : choice == 1 ? file_of(half, rest, section_count())
        : choice == 2 ? file_of(half, rest, section_count() + 3)
        : choice == 3
            ? part_of(half, entries, rest)
            : file_of(input, index_of(input, entries, choice % section_count()), section_count());
    const std::string path = "/tmp/csvmill-fuzz-state-" + std::to_string(::getpid());
    std::FILE* file = std::fopen(path.c_str(), "wb");
    require(file != nullptr);
    require(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    std::fclose(file);
    try {
        read_part(path);
    } catch (const Refused&) {
        // The outcome of most inputs.
    }
    try {
        read_all(path, input.substr(0, choice >> 6U));
    } catch (const StateError&) {
        // The outcome of most inputs.
    }
    ::unlink(path.c_str());
}

}  // namespace csvmill::fuzz
