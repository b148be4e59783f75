#include "text/pattern.hpp"

#include <algorithm>
#include <limits>

#include "text/error.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

constexpr std::size_t most_steps = 10'000;
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();
constexpr char32_t ascii_end = 0x80;

bool is_word(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_';
}

Decoded character_at(Bytes text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte < ascii_end ? Decoded{byte, 1, true} : decode_utf8(text, at);
}

}  // namespace

/// The places in a program that are reached at a place of the text, in the order of preference.
struct Pattern::Threads {
    struct Thread {
        std::size_t step;
        Place place;
    };
    std::vector<Thread> all;
    std::vector<std::size_t> reached;  ///< For each step, the round in which it was reached.
    std::size_t round = 0;

    void clear() {
        all.clear();
        ++round;
    }
    /// Whether the step is reached for the first time in this round.
    bool reach(std::size_t step) {
        if (reached[step] == round) return false;
        reached[step] = round;
        return true;
    }
};

/// What a search needs, and the next one uses again.
struct Pattern::Run {
    Threads now;
    Threads next;

    void prepare(std::size_t steps) {
        for (Threads* threads : {&now, &next}) {
            if (threads->reached.size() < steps) threads->reached.resize(steps);
            threads->clear();
        }
    }
};

Pattern::Pattern(std::vector<Step> steps) : steps_(std::move(steps)), ascii_(steps_.size()) {
    if (steps_.empty() || steps_.size() > most_steps || steps_.back().op != Op::accept) {
        throw StateError("a pattern is not a program");
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        const Step& step = steps_[i];
        if (step.first >= steps_.size() || step.second >= steps_.size()) {
            throw StateError("a pattern continues outside of its program");
        }
        for (char32_t character = 0; character < ascii_end; ++character) {
            const bool among =
                std::any_of(step.ranges.begin(), step.ranges.end(), [character](const auto& range) {
                    return range.first <= character && character <= range.second;
                });
            if (among) ascii_[i][character >> 6U] |= std::uint64_t{1} << (character & 63U);
        }
    }
    find_starts();
}

/// Follows the program from its begin to the characters with which a match may begin.
void Pattern::find_starts() {
    std::vector<bool> seen(steps_.size());
    std::vector<std::size_t> open = {0};
    anchored_ = true;
    while (!open.empty()) {
        const std::size_t at = open.back();
        open.pop_back();
        if (seen[at]) continue;
        seen[at] = true;
        const Step& step = steps_[at];
        if (step.op == Op::assertion && step.anchor == Anchor::begin) continue;
        switch (step.op) {
            case Op::characters:
                anchored_ = false;
                for (std::size_t i = 0; i < starts_.size(); ++i) starts_[i] |= ascii_[at][i];
                break;
            case Op::split:
                open.push_back(step.first);
                open.push_back(step.second);
                break;
            case Op::jump:
                open.push_back(step.first);
                break;
            case Op::save:
            case Op::assertion:
                open.push_back(at + 1);
                break;
            case Op::accept:
                anchored_ = false;
                starts_anywhere_ = true;
                break;
        }
    }
}

/// Whether a match may begin at a place.
bool Pattern::may_start(Bytes text, std::size_t at) const {
    if (at == 0 || anchored_) return at == 0;
    if (starts_anywhere_) return true;
    if (at == text.size()) return false;
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte >= ascii_end || has(starts_, byte);
}

bool Pattern::takes(std::size_t step, char32_t character) const {
    if (character < ascii_end) return has(ascii_[step], character);
    const auto& ranges = steps_[step].ranges;
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), character,
                         [](char32_t value, const auto& range) { return value < range.first; });
    return after != ranges.begin() && character <= std::prev(after)->second;
}

bool Pattern::holds(Anchor anchor, Bytes text, std::size_t at) {
    if (anchor == Anchor::begin) return at == 0;
    if (anchor == Anchor::end) return at == text.size();
    const bool before = at > 0 && is_word(text[at - 1]);
    const bool after = at < text.size() && is_word(text[at]);
    return (before != after) == (anchor == Anchor::word);
}

/// Follows a thread to steps that take a character or accept.
void Pattern::add(Threads& to, std::size_t step, Place place, Bytes text, std::size_t at) const {
    thread_local std::vector<Threads::Thread> open;
    open.push_back({step, place});
    while (!open.empty()) {
        auto [here, taken] = open.back();
        open.pop_back();
        if (!to.reach(here)) continue;
        const Step& next = steps_[here];
        switch (next.op) {
            case Op::characters:
            case Op::accept:
                to.all.push_back({here, taken});
                break;
            case Op::split:
                open.push_back({next.second, taken});
                open.push_back({next.first, taken});
                break;
            case Op::jump:
                open.push_back({next.first, taken});
                break;
            case Op::save:
                (next.end ? taken.end : taken.begin) = at;
                open.push_back({here + 1, taken});
                break;
            case Op::assertion:
                if (holds(next.anchor, text, at)) open.push_back({here + 1, taken});
                break;
        }
    }
}

Bytes Pattern::taken(Bytes text) const {
    thread_local Run run;
    run.prepare(steps_.size());
    std::optional<Place> found;
    for (std::size_t at = 0;;) {
        if (run.now.all.empty()) {
            if (found || (anchored_ && at > 0)) break;
            // Bytes within a character are beyond ASCII: it does not pass over a part of one.
            while (at < text.size() && !may_start(text, at)) ++at;
        }
        if (!found && may_start(text, at)) add(run.now, 0, {nowhere, nowhere}, text, at);
        const bool end = at == text.size();
        const Decoded decoded = end ? Decoded{} : character_at(text, at);
        const std::size_t after = at + decoded.length;
        run.next.clear();
        for (const Threads::Thread& thread : run.now.all) {
            if (steps_[thread.step].op == Op::accept) {
                found = thread.place;
                break;
            }
            if (!end && takes(thread.step, decoded.character)) {
                add(run.next, thread.step + 1, thread.place, text, after);
            }
        }
        if (end) break;
        std::swap(run.now, run.next);
        at = after;
    }
    if (!found || found->begin == nowhere || found->end == nowhere) return text.substr(0, 0);
    return text.substr(found->begin, found->end - found->begin);
}

std::string Pattern::mark() const {
    std::string text;
    for (const Step& step : steps_) {
        text += std::to_string(static_cast<int>(step.op)) + ' ' + std::to_string(step.first) + ' ' +
                std::to_string(step.second) + ' ' + std::to_string(static_cast<int>(step.end)) +
                ' ' + std::to_string(static_cast<int>(step.anchor));
        for (const auto& [first, last] : step.ranges) {
            text += ' ' + std::to_string(static_cast<std::uint32_t>(first)) + '-' +
                    std::to_string(static_cast<std::uint32_t>(last));
        }
        text += '\n';
    }
    return text;
}

}  // namespace csvmill
