/// The exact sum of numbers.

#include "groups/aggregators.hpp"
#include "groups/optional_number.hpp"

namespace csvmill {

namespace {

class Sum final : public AggregatorOf<OptionalNumber, true> {
public:
    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget& budget) const override {
        const Decimal* numbers = values.numbers.data();
        for_each_value<OptionalNumber>(
            batch, values, states,
            [&](OptionalNumber& sum, std::size_t row) { sum.add(numbers[row], budget); });
    }

    void merge(std::byte* state, std::byte* other, Budget& budget) const override {
        if (!at(state).has_value()) {
            at(state).move_from(at(other));
        } else if (at(other).has_value()) {
            at(state).add(*at(other), budget);
        }
    }

    void write(const std::byte* state, std::string& to) const override { at(state).write(to); }

    void read(Bytes& from, std::byte* state) const override {
        OptionalNumber sum;
        sum.read(from);
        (new (state) OptionalNumber)->move_from(sum);
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        append_sum(state, to);
    }

    void append_sum(const std::byte* state, std::string& to) const override {
        if (at(state).has_value()) (*at(state)).append_text(to);
    }
};

}  // namespace

std::unique_ptr<Aggregator> make_sum() { return std::make_unique<Sum>(); }

}  // namespace csvmill
