/// The least or greatest of numbers, texts, dates, and of texts by their position in the file.

#include <algorithm>

#include "groups/aggregators.hpp"
#include "groups/optional_number.hpp"
#include "groups/text_state.hpp"

namespace csvmill {

namespace {

/// A number, and the most decimals that any value of the group has.
struct NumberState {
    OptionalNumber number;
    std::uint64_t decimals = 0;
};

template <bool greatest>
class NumberExtreme final : public AggregatorOf<NumberState, true> {
public:
    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget& budget) const override {
        const Decimal* numbers = values.numbers.data();
        for_each_value<NumberState>(
            batch, values, states, [&](NumberState& state, std::size_t row) {
                include(state, numbers[row], budget);
                state.decimals = std::max<std::uint64_t>(state.decimals, numbers[row].scale());
            });
    }

    void merge(std::byte* state, std::byte* other, Budget& budget) const override {
        if (!at(other).number.has_value()) return;
        include(at(state), *at(other).number, budget);
        at(state).decimals = std::max(at(state).decimals, at(other).decimals);
    }

    void write(const std::byte* state, std::string& to) const override {
        at(state).number.write(to);
        append_count(to, at(state).decimals);
    }

    void read(Bytes& from, std::byte* state) const override {
        NumberState read;
        read.number.read(from);
        read.decimals = take_count(from);
        if (read.decimals > Decimal::most_decimals) {
            throw StateError("a number of a state has too many decimals");
        }
        NumberState* made = new (state) NumberState;
        made->number.move_from(read.number);
        made->decimals = read.decimals;
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        if (!at(state).number.has_value()) return;
        (*at(state).number).padded(static_cast<std::uint32_t>(at(state).decimals)).append_text(to);
    }

private:
    static void include(NumberState& state, const Decimal& value, Budget& budget) {
        if (!state.number.has_value() ||
            (greatest ? compare(value, *state.number) > 0 : compare(value, *state.number) < 0)) {
            state.number.set(value, budget);
        }
    }
};

/// What orders texts, and the text. `Rank` is compared first, then the texts, bytewise.
template <typename Rank>
struct Ranked {
    Rank rank{};
    TextState text;
};

struct NoRank {};

/// An extreme whose result is the text of a cell. `Rule` has the rank of a row, and writes ranks.
template <typename Rule, bool greatest>
class TextExtreme final
    : public AggregatorOf<std::conditional_t<std::is_same_v<typename Rule::Rank, NoRank>, TextState,
                                             Ranked<typename Rule::Rank>>,
                          true> {
    using Rank = typename Rule::Rank;  // NOLINT(readability-redundant-typename): Clang 14
    static constexpr bool ranked = !std::is_same_v<Rank, NoRank>;
    using State = std::conditional_t<ranked, Ranked<Rank>, TextState>;
    using AggregatorOf<State, true>::at;

public:
    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget& budget) const override {
        const Cells& cells = *values.cells;
        for_each_value<State>(batch, values, states, [&](State& state, std::size_t row) {
            const Rank rank = Rule::rank(batch, values, row);
            if (replaces(state, rank, cells[row])) {
                if constexpr (ranked) state.rank = rank;
                text(state).set(cells[row], budget);
            }
        });
    }

    void merge(std::byte* state, std::byte* other, Budget&) const override {
        if (!text(at(other)).has_value()) return;
        if constexpr (ranked) {
            if (!replaces(at(state), at(other).rank, at(other).text.text())) return;
            at(state).rank = at(other).rank;
        } else if (!replaces(at(state), Rank{}, at(other).text())) {
            return;
        }
        text(at(state)).swap(text(at(other)));
    }

    void write(const std::byte* state, std::string& to) const override {
        text(at(state)).write(to);
        if constexpr (ranked) {
            if (at(state).text.has_value()) Rule::write(at(state).rank, to);
        }
    }

    void read(Bytes& from, std::byte* state) const override {
        State read;
        text(read).read(from);
        if constexpr (ranked) {
            if (read.text.has_value()) read.rank = Rule::read(from);
        }
        State* made = new (state) State;
        text(*made).swap(text(read));
        if constexpr (ranked) made->rank = read.rank;
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        to += text(at(state)).text();
    }

private:
    static TextState& text(State& state) {
        if constexpr (ranked) {
            return state.text;
        } else {
            return state;
        }
    }
    // States outlive the calls.
    static const TextState& text(const State& state) {
        if constexpr (ranked) {
            return state.text;
        } else {
            return state;  // NOLINT(bugprone-return-const-ref-from-parameter)
        }
    }

    static bool replaces(const State& state, const Rank& rank, Bytes cell) {
        if (!text(state).has_value()) return true;
        if constexpr (ranked) {
            if (rank != state.rank) return greatest ? rank > state.rank : rank < state.rank;
        }
        return greatest ? cell > text(state).text() : cell < text(state).text();
    }
};

struct ByText {
    using Rank = NoRank;
    static Rank rank(const Batch&, const Values&, std::size_t) { return {}; }
};

struct ByDate {
    using Rank = Instant;
    static const Rank& rank(const Batch&, const Values& values, std::size_t row) {
        return values.dates[row];
    }
    static void write(const Rank& rank, std::string& to) {
        append_count(to, static_cast<std::uint64_t>(rank.seconds));
        append_count(to, rank.nanoseconds);
    }
    static Rank read(Bytes& from) {
        Rank rank;
        rank.seconds = static_cast<std::int64_t>(take_count(from));
        const std::uint64_t nanoseconds = take_count(from);
        if (nanoseconds > 999'999'999) throw StateError("a date of a state is not one");
        rank.nanoseconds = static_cast<std::uint32_t>(nanoseconds);
        return rank;
    }
};

struct ByPosition {
    using Rank = std::uint64_t;
    static Rank rank(const Batch& batch, const Values&, std::size_t row) {
        return batch.positions[row];
    }
    static void write(Rank rank, std::string& to) { append_count(to, rank); }
    static Rank read(Bytes& from) { return take_count(from); }
};

template <typename Rule>
std::unique_ptr<Aggregator> make_text(bool greatest) {
    if (greatest) return std::make_unique<TextExtreme<Rule, true>>();
    return std::make_unique<TextExtreme<Rule, false>>();
}

}  // namespace

std::unique_ptr<Aggregator> make_number_extreme(bool greatest) {
    if (greatest) return std::make_unique<NumberExtreme<true>>();
    return std::make_unique<NumberExtreme<false>>();
}

std::unique_ptr<Aggregator> make_text_extreme(bool greatest) { return make_text<ByText>(greatest); }

std::unique_ptr<Aggregator> make_date_extreme(bool greatest) { return make_text<ByDate>(greatest); }

std::unique_ptr<Aggregator> make_position_extreme(bool last) { return make_text<ByPosition>(last); }

}  // namespace csvmill
