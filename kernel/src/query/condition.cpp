#include "query/condition.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "query/text_probe.hpp"
#include "query/text_set.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

enum class Outcome : std::uint8_t { no = 0, yes = 1, bad = 2 };
using Outcomes = std::array<Outcome, batch_rows>;

/// So many short texts are compared one by one, which is faster than to look into a set.
constexpr std::size_t most_short = 4;

Outcome outcome_of(bool holds) { return static_cast<Outcome>(holds); }

/// Leaves those rows in `rows` that have `outcome`.
void keep(Selection& rows, const Outcomes& outcomes, Outcome outcome) {
    std::uint16_t* const numbers = rows.rows.data();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size; ++i) {
        const std::uint16_t row = numbers[i];
        numbers[kept] = row;
        kept += outcomes[row] == outcome ? 1 : 0;
    }
    rows.size = kept;
}

/// The orderings that an operator accepts.
class Accepted {
public:
    explicit Accepted(Operator op) : bits_(bits_of(op)) {}

    /// Without branches: what cells contain cannot be predicted.
    bool operator()(std::strong_ordering order) const {
        const int place = 1 + static_cast<int>(order > 0) - static_cast<int>(order < 0);
        return ((bits_ >> place) & 1U) != 0;
    }

private:
    static constexpr unsigned less = 1, equal = 2, greater = 4;

    static unsigned bits_of(Operator op) {
        switch (op) {
            case Operator::eq:
                return equal;
            case Operator::ne:
                return less | greater;
            case Operator::lt:
                return less;
            case Operator::le:
                return less | equal;
            case Operator::gt:
                return greater;
            case Operator::ge:
                return greater | equal;
            default:
                return 0;
        }
    }

    unsigned bits_;
};

bool is_less(const Decimal& a, const Decimal& b) { return compare(a, b) < 0; }

}  // namespace

struct Condition::Node {
    Restriction::Form form;
    std::vector<Node> parts;
    std::uint32_t column;
    Operator op;
    Kind kind;
    bool negated;
    Notation notation;
    DateFormat date_format;
    Accepted accepted;
    std::string text;              ///< The value of a comparison of text.
    TextSet texts;                 ///< Those of `in`.
    std::vector<Decimal> numbers;  ///< Sorted.
    std::vector<Instant> dates;    ///< Sorted.
    /// Where `Batch::tested` has its cells, if it is the first that reads its column as numbers.
    std::optional<std::size_t> place;
    /// Its number, if its almost asked cells are noted.
    std::optional<std::uint16_t> noted;
    bool excludes = false;  ///< Then it holds for all other texts.
    TextProbe probe;
    std::vector<ShortText> short_texts;  ///< Its values, if they are few and short.

    Node(const Restriction& restriction, const Notation& notation_of_cells,
         DateFormat format_of_cells);

    /// Sets the outcomes of `rows`, and adds a fault for each bad one.
    void test(Batch& batch, const Selection& rows, Outcomes& outcomes) const;

    bool holds(const std::vector<std::string>& row) const;

    /// Sets the places of all comparisons of numbers, and appends their columns.
    void set_places(std::vector<std::uint32_t>& columns);

    /// Numbers the comparisons of `asked`, which are those of `asked_texts` that are left.
    void note_almost_asked(const Restriction& restriction,
                           std::span<const Restriction* const>& asked, std::uint16_t& number);

private:
    void note_tested(Batch& batch, const Selection& rows, const Outcomes& outcomes,
                     std::uint32_t scales) const;
    void test_and_note(Batch& batch, const Selection& rows, Outcomes& outcomes) const;
    void read_values(const std::vector<std::string>& values);

    /// Calls `use` with the function that gives the outcome of a cell, so that a loop over cells
    /// does not decide again for each cell what to compare.
    /// The decimals of numbers are added to `scales`.
    template <Readable readable, typename Use>
    void with_test(const Notation& of_cells, std::uint32_t& scales, const Use& use) const;
    template <typename Use>
    void with_test_of_text(const Use& use) const;
    template <Readable readable, typename Use>
    void with_test_of_number(const Notation& of_cells, std::uint32_t& scales, const Use& use) const;
    template <typename Use>
    void with_test_of_date(const Use& use) const;
};

Condition::Node::Node(const Restriction& restriction, const Notation& notation_of_cells,
                      DateFormat format_of_cells)
    : form(restriction.form),
      column(restriction.column),
      op(restriction.op),
      kind(restriction.kind),
      negated(restriction.negated),
      notation(notation_of_cells),
      date_format(std::move(format_of_cells)),
      accepted(restriction.op) {
    if (form == Restriction::Form::comparison) {
        read_values(restriction.values);
        return;
    }
    parts.reserve(restriction.parts.size());
    for (const Restriction& part : restriction.parts) {
        parts.emplace_back(part, notation, date_format);
    }
}

void Condition::Node::read_values(const std::vector<std::string>& values) {
    if (op == Operator::is_empty) return;
    const bool of_text = op == Operator::contains || op == Operator::starts_with;
    if ((of_text && kind != Kind::text) || (op != Operator::in && values.size() != 1)) {
        throw StateError("a comparison of the query has a wrong operator or number of values");
    }
    for (const std::string& value : values) {
        bool read = true;
        if (kind == Kind::text) {
            text = value;
        } else if (kind == Kind::date) {
            const std::optional<Instant> date = date_format.of_values().instant(value);
            read = date.has_value();
            if (read) dates.push_back(*date);
        } else {
            Decimal number;
            read = kind == Kind::integer ? read_integer(value, Notation(), number)
                                         : read_number(value, Notation(), number);
            numbers.push_back(std::move(number));
        }
        if (!read) throw StateError("a value of the query is not of its kind");
    }
    if (kind == Kind::text) texts = TextSet(values);
    std::sort(numbers.begin(), numbers.end(), is_less);
    std::sort(dates.begin(), dates.end());
}

template <Readable readable, typename Use>
void Condition::Node::with_test(const Notation& of_cells, std::uint32_t& scales,
                                const Use& use) const {
    if (op == Operator::is_empty) {
        use([no = negated](Bytes cell) { return outcome_of(cell.empty() != no); });
    } else if (kind == Kind::text) {
        with_test_of_text(use);
    } else if (kind == Kind::date) {
        with_test_of_date(use);
    } else {
        with_test_of_number<readable>(of_cells, scales, use);
    }
}

template <typename Use>
void Condition::Node::with_test_of_text(const Use& use) const {
    // string_view compares as memcmp does: bytes without sign.
    const Bytes value = text;
    const bool no = negated;
    switch (op) {
        case Operator::in:
            return use([this, no](Bytes cell) { return outcome_of(texts.contains(cell) != no); });
        case Operator::contains:
            return use([value, no](Bytes cell) {
                return outcome_of((cell.find(value) != Bytes::npos) != no);
            });
        case Operator::starts_with:
            return use(
                [value, no](Bytes cell) { return outcome_of(cell.starts_with(value) != no); });
        case Operator::eq:
            return use([value](Bytes cell) { return outcome_of(cell == value); });
        case Operator::ne:
            return use([value](Bytes cell) { return outcome_of(cell != value); });
        default:
            return use([value, accept = accepted](Bytes cell) {
                return outcome_of(accept(cell <=> value));
            });
    }
}

template <Readable readable, typename Use>
void Condition::Node::with_test_of_number(const Notation& of_cells, std::uint32_t& scales,
                                          const Use& use) const {
    const auto with_reader = [this, &use](auto read) {
        if (op == Operator::in) {
            return use([this, read](Bytes cell) {
                if (cell.empty()) return Outcome::no;
                Decimal number;
                if (!read(cell, number)) return Outcome::bad;
                return outcome_of(
                    std::binary_search(numbers.begin(), numbers.end(), number, is_less) != negated);
            });
        }
        use([&value = numbers.front(), accept = accepted, read](Bytes cell) {
            if (cell.empty()) return Outcome::no;
            Decimal number;
            if (!read(cell, number)) return Outcome::bad;
            return outcome_of(accept(compare(number, value)));
        });
    };
    if (kind == Kind::integer) {
        with_reader([of_cells](Bytes cell, Decimal& to) {
            return read_integer<readable>(cell, of_cells, to);
        });
    } else {
        with_reader([of_cells, &scales](Bytes cell, Decimal& to) {
            const bool is_number = read_number<readable>(cell, of_cells, to);
            scales |= to.scale();
            return is_number;
        });
    }
}

template <typename Use>
void Condition::Node::with_test_of_date(const Use& use) const {
    const auto with_reader = [this, &use](auto read) {
        use([this, in = op == Operator::in, read](Bytes cell) {
            if (cell.empty()) return Outcome::no;
            const std::optional<Instant> date = read(cell);
            if (!date) return Outcome::bad;
            return outcome_of(in ? std::binary_search(dates.begin(), dates.end(), *date) != negated
                                 : accepted(*date <=> dates.front()));
        });
    };
    if (date_format.is_default()) {
        with_reader([](Bytes cell) { return read_date(cell); });
    } else {
        with_reader([this](Bytes cell) { return date_format.instant(cell); });
    }
}

void Condition::Node::test(Batch& batch, const Selection& rows, Outcomes& outcomes) const {
    if (noted) return test_and_note(batch, rows, outcomes);
    if (form == Restriction::Form::comparison) {
        const Cells& cells = batch.column(column);
        std::uint32_t scales = 0;
        with_test<Readable::beyond>(notation, scales, [&](const auto& test_cell) {
            const Bytes* const tested = cells.data();
            for (const std::uint16_t row : rows) {
                const Outcome outcome = test_cell(tested[row]);
                outcomes[row] = outcome;
                if (outcome == Outcome::bad) [[unlikely]] {
                    batch.faults.push_back({row, CellFault::Place::where, kind, column});
                }
            }
        });
        if (place) note_tested(batch, rows, outcomes, scales);
        return;
    }
    // The rows that each part leaves open are tested by the next one.
    const Outcome open = outcome_of(form == Restriction::Form::all);
    Selection rest = rows;
    for (const std::uint16_t row : rest) outcomes[row] = open;
    for (const Node& part : parts) {
        if (rest.size == 0) return;
        part.test(batch, rest, outcomes);
        keep(rest, outcomes, open);
    }
}

/// Without branches that depend on cells, since these cannot be predicted.
void Condition::Node::test_and_note(Batch& batch, const Selection& rows, Outcomes& outcomes) const {
    const Bytes* const tested = batch.column(column).data();
    const std::size_t noted_before = batch.almost.size();
    batch.almost.resize(noted_before + rows.size);
    AlmostAsked* to = batch.almost.data() + noted_before;
    const auto test_with = [&, number = *noted, other = excludes](const auto& equals,
                                                                  const auto& may_match) {
        for (const std::uint16_t row : rows) {
            const Bytes cell = tested[row];
            const bool equal = equals(cell);
            outcomes[row] = outcome_of(equal != other);
            *to = {row, number};
            to += static_cast<std::ptrdiff_t>(may_match(cell) & !equal);
        }
    };
    const auto may_match = [this](Bytes cell) { return probe.may_match(cell); };
    if (short_texts.size() == 1 && short_texts[0].words() == 1 && probe.words() == 1) {
        test_with([value = short_texts[0]](Bytes cell) { return value.equals<1>(cell); },
                  [this](Bytes cell) { return probe.may_match<1>(cell); });
    } else if (!short_texts.empty()) {
        test_with(
            [values = std::span(short_texts)](Bytes cell) {
                bool equal = false;
                for (const ShortText& value : values) equal |= value.equals(cell);
                return equal;
            },
            may_match);
    } else if (op == Operator::in) {
        test_with([this](Bytes cell) { return texts.contains(cell); }, may_match);
    } else {
        test_with([value = Bytes(text)](Bytes cell) { return cell == value; }, may_match);
    }
    batch.almost.resize(static_cast<std::size_t>(to - batch.almost.data()));
}

bool Condition::Node::holds(const std::vector<std::string>& row) const {
    if (form == Restriction::Form::comparison) {
        Outcome outcome = Outcome::no;
        std::uint32_t scales = 0;
        with_test<Readable::cell>(Notation(), scales, [&](const auto& test_cell) {
            outcome = test_cell(Bytes(row[column]));
        });
        if (outcome == Outcome::bad) throw StateError("a cell of the result is not of its kind");
        return outcome == Outcome::yes;
    }
    const auto part_holds = [&row](const Node& part) { return part.holds(row); };
    return form == Restriction::Form::all ? std::all_of(parts.begin(), parts.end(), part_holds)
                                          : std::any_of(parts.begin(), parts.end(), part_holds);
}

void Condition::Node::set_places(std::vector<std::uint32_t>& columns) {
    for (Node& part : parts) part.set_places(columns);
    if (form != Restriction::Form::comparison || kind != Kind::number || op == Operator::is_empty ||
        std::ranges::find(columns, column) != columns.end()) {
        return;
    }
    place = columns.size();
    columns.push_back(column);
}

void Condition::Node::note_almost_asked(const Restriction& restriction,
                                        std::span<const Restriction* const>& asked,
                                        std::uint16_t& number) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].note_almost_asked(restriction.parts[i], asked, number);
    }
    if (asked.empty() || asked.front() != &restriction) return;
    asked = asked.subspan(1);
    noted = number++;
    excludes = restriction.excludes();
    probe = TextProbe(restriction.values);
    const bool are_short = std::ranges::all_of(restriction.values, [](const std::string& value) {
        return value.size() <= ShortText::most;
    });
    if (are_short && restriction.values.size() <= most_short) {
        for (const std::string& value : restriction.values) short_texts.emplace_back(value);
    }
}

void Condition::Node::note_tested(Batch& batch, const Selection& rows, const Outcomes& outcomes,
                                  std::uint32_t scales) const {
    TestedNumbers& tested = batch.tested[*place];
    for (const std::uint16_t row : rows) {
        tested.rows.rows[tested.rows.size] = row;
        tested.rows.size += outcomes[row] == Outcome::bad ? 0 : 1;
    }
    tested.decimals = scales != 0;
}

Condition::Condition(const Restriction& restriction, const Notation& notation,
                     const DateFormat& dates)
    : root_(std::make_unique<Node>(restriction, notation, dates)) {
    root_->set_places(number_columns_);
}
Condition::~Condition() = default;
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;

void Condition::note_almost_asked(const Restriction& restriction) {
    const std::vector<const Restriction*> asked = asked_texts(restriction);
    std::span<const Restriction* const> left = asked;
    std::uint16_t number = 0;
    root_->note_almost_asked(restriction, left, number);
}

void Condition::select(Batch& batch) const {
    Outcomes outcomes;
    batch.tested.resize(number_columns_.size());
    for (std::size_t i = 0; i < number_columns_.size(); ++i) {
        batch.tested[i].column = number_columns_[i];
        batch.tested[i].rows.size = 0;
    }
    root_->test(batch, batch.selected, outcomes);
    keep(batch.selected, outcomes, Outcome::yes);
}

void Condition::filter(Batch& batch) const {
    batch.almost.clear();
    const std::size_t tested = batch.selected.size, faults = batch.faults.size();
    select(batch);
    batch.filtered += tested - batch.selected.size - (batch.faults.size() - faults);
}

bool Condition::holds(const std::vector<std::string>& row) const { return root_->holds(row); }

}  // namespace csvmill
