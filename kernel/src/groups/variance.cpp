/// The sample variance of numbers, and its square root.

#include "groups/aggregators.hpp"
#include "groups/optional_number.hpp"

namespace csvmill {

namespace {

struct Moments {
    OptionalNumber sum;
    OptionalNumber squares;  ///< Their sum.
    std::uint64_t count = 0;
};

/// Computes `(count * squares - sum^2) / (count * (count - 1))`, exactly.
class Variance final : public AggregatorOf<Moments, true> {
public:
    explicit Variance(bool root) : root_(root) {}

    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget& budget) const override {
        const Decimal* numbers = values.numbers.data();
        for_each_value<Moments>(batch, values, states, [&](Moments& moments, std::size_t row) {
            const Decimal& number = numbers[row];
            moments.sum.add(number, budget);
            moments.squares.add(Decimal::product(number, number), budget);
            ++moments.count;
        });
    }

    void merge(std::byte* state, std::byte* other, Budget& budget) const override {
        if (at(state).count == 0) {
            at(state).sum.move_from(at(other).sum);
            at(state).squares.move_from(at(other).squares);
        } else if (at(other).count > 0) {
            at(state).sum.add(*at(other).sum, budget);
            at(state).squares.add(*at(other).squares, budget);
        }
        at(state).count += at(other).count;
    }

    void write(const std::byte* state, std::string& to) const override {
        append_count(to, at(state).count);
        if (at(state).count == 0) return;
        (*at(state).sum).append_state(to);
        (*at(state).squares).append_state(to);
    }

    void read(Bytes& from, std::byte* state) const override {
        Moments read;
        read.count = take_count(from);
        if (read.count > 0) {
            read.sum.read_number(from);
            read.squares.read_number(from);
        }
        Moments* made = new (state) Moments;
        made->count = read.count;
        made->sum.move_from(read.sum);
        made->squares.move_from(read.squares);
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        const Moments& moments = at(state);
        if (moments.count < 2) return;
        const auto count = static_cast<std::int64_t>(moments.count);
        const Decimal& sum = *moments.sum;
        Decimal above = Decimal::product(*moments.squares, Decimal(count, 0));
        above.subtract(Decimal::product(sum, sum));
        const Decimal below = Decimal::product(Decimal(count, 0), Decimal(count - 1, 0));
        const std::uint32_t decimals = sum.scale();
        const Decimal result =
            root_ ? Decimal::root_of_quotient(above, below, decimals + extra_decimals)
                  : Decimal::quotient(above, below, 2 * decimals + extra_decimals);
        result.trimmed(decimals).append_text(to);
    }

private:
    const bool root_;
};

}  // namespace

std::unique_ptr<Aggregator> make_variance(bool root) { return std::make_unique<Variance>(root); }

}  // namespace csvmill
