#include "state/parts.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "state/entry_cursor.hpp"
#include "text/error.hpp"
#include "text/show.hpp"

namespace csvmill {

namespace {

/// The most states that are open at once.
constexpr std::size_t most_open = 256;
/// Ranges that a message names.
constexpr std::size_t most_named = 20;

std::string range(std::uint64_t begin, std::uint64_t end) {
    return std::to_string(begin) + " to " + std::to_string(end);
}

/// Does `work` with a state; what it throws names the file.
template <class Work>
auto with(const std::string& path, const Work& work) {
    try {
        return work();
    } catch (const StateError& error) {
        throw Refused(repr(path) + ": " + error.what());
    }
}

}  // namespace

Parts::Parts(const std::vector<std::string>& paths, Scratch& scratch, bool of_inputs)
    : scratch_(scratch), of_inputs_(of_inputs) {
    if (paths.empty()) throw Refused("there are no states to merge");
    std::vector<PartAccount> accounts;
    for (const std::string& path : paths) {
        const PartState state = with(path, [&] { return PartState::open(path, scratch); });
        if (parts_.empty()) mark_ = state.mark();
        if (state.mark() != mark_)
            throw Refused(repr(path) + " is of another aggregation, dialect or header than " +
                          repr(paths.front()));
        PartAccount account = state.account();
        parts_.push_back({path, account.begin, account.end, account.lines, account.first_input,
                          account.last_input});
        if (!accounts.empty()) account.names.clear();  // they are the same
        accounts.push_back(std::move(account));
    }
    const auto place = [](const auto& part) {
        return std::tuple(part.first_input, part.begin, part.end);
    };
    total_.names = std::move(accounts.front().names);
    std::ranges::stable_sort(parts_, {}, place);
    std::ranges::stable_sort(accounts, {}, place);
    total_.begin = accounts.front().begin;
    total_.header_line = accounts.front().header_line;
    total_.first_input = accounts.front().first_input;
    total_.end = total_.begin;
    for (const PartAccount& account : accounts) {
        of_table_ += total_.footer > 0 && !of_inputs ? 0 : 1;
        if (of_inputs) {
            total_.append_input(account);
        } else {
            total_.append(account);
        }
    }
    if (of_inputs) {
        check_order_of_inputs();
    } else {
        check_order();
    }
}

void Parts::check_order_of_inputs() const {
    std::uint64_t next = parts_.front().first_input;
    for (const Part& part : parts_) {
        if (part.first_input != next || part.begin > 0)
            throw Refused("no state, or more than one, has file " + std::to_string(next));
        next = part.last_input + 1;
    }
}

void Parts::check_inputs(std::size_t inputs) const {
    if (total_.first_input != 0 || total_.last_input + 1 != inputs)
        throw Refused("the states are not those of " + std::to_string(inputs) + " files");
}

void Parts::check_order() const {
    std::string missing;
    std::size_t gaps = 0;
    for (std::size_t i = 1; i < parts_.size(); ++i) {
        const Part& before = parts_[i - 1];
        const Part& part = parts_[i];
        if (part.begin == before.begin && part.end == before.end)
            throw Refused("two states are of bytes " + range(part.begin, part.end) + ": " +
                          repr(before.path) + " and " + repr(part.path));
        if (part.begin < before.end)
            throw Refused("the states of bytes " + range(before.begin, before.end) + " and " +
                          range(part.begin, part.end) + " overlap");
        if (part.begin > before.end && ++gaps <= most_named)
            missing += (missing.empty() ? "" : ", ") + range(before.end, part.begin);
    }
    if (gaps > most_named) missing += " and others";
    if (gaps > 0) throw Refused("no state has the bytes " + missing);
}

void Parts::check_whole(std::optional<std::uint64_t> size) const {
    if (total_.begin > 0) throw Refused("no state has the bytes " + range(0, total_.begin));
    if (!size || total_.end == *size) return;
    if (total_.end < *size) throw Refused("no state has the bytes " + range(total_.end, *size));
    throw Refused("the states have " + std::to_string(total_.end) + " bytes, but the file has " +
                  std::to_string(*size));
}

void Parts::each_problem(const std::function<bool(KeptProblem)>& take,
                         const std::function<void(std::uint64_t)>& omitted) const {
    std::uint64_t lines = 0;
    for (const Part& part : std::span(parts_).first(of_table_)) {
        const bool more = with(part.path, [&] {
            const PartState state = PartState::open(part.path, scratch_);
            EntryCursor cursor(state.file(), state.problems(), "");
            while (cursor.next()) {
                KeptProblem kept = KeptProblem::read(cursor.key(), cursor.payload());
                kept.move(lines);
                if (!take(std::move(kept))) return false;
            }
            omitted(state.account().omitted);
            return true;
        });
        if (!more) return;
        lines += of_inputs_ ? 0 : part.lines;
    }
}

std::vector<StateFile> Parts::groups(const Layout& layout, std::size_t memory) const {
    std::vector<StateFile> files;
    for (const Part& part : std::span(parts_).first(of_table_)) {
        files.push_back(with(
            part.path, [&] { return PartState::open(part.path, scratch_).take_groups(layout); }));
        files.back().keep();
        if (files.size() == most_open)
            files = merge_files(std::move(files), layout, most_open / 2, memory, scratch_);
    }
    return files;
}

}  // namespace csvmill
