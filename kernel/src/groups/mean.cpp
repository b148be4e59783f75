/// The mean of numbers, rounded.

#include "groups/aggregators.hpp"
#include "groups/optional_number.hpp"

namespace csvmill {

namespace {

struct Mean {
    OptionalNumber sum;
    std::uint64_t count = 0;
};

class Average final : public AggregatorOf<Mean, true> {
public:
    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget& budget) const override {
        const Decimal* numbers = values.numbers.data();
        for_each_value<Mean>(batch, values, states, [&](Mean& mean, std::size_t row) {
            mean.sum.add(numbers[row], budget);
            ++mean.count;
        });
    }

    void merge(std::byte* state, std::byte* other, Budget& budget) const override {
        if (at(state).count == 0) {
            at(state).sum.move_from(at(other).sum);
        } else if (at(other).count > 0) {
            at(state).sum.add(*at(other).sum, budget);
        }
        at(state).count += at(other).count;
    }

    void write(const std::byte* state, std::string& to) const override {
        append_count(to, at(state).count);
        if (at(state).count > 0) (*at(state).sum).append_state(to);
    }

    void read(Bytes& from, std::byte* state) const override {
        Mean mean;
        mean.count = take_count(from);
        if (mean.count > 0) mean.sum.read_number(from);
        Mean* made = new (state) Mean;
        made->count = mean.count;
        made->sum.move_from(mean.sum);
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        if (at(state).count == 0) return;
        (*at(state).sum).mean(at(state).count, extra_decimals).append_text(to);
    }

    void append_sum(const std::byte* state, std::string& to) const override {
        if (at(state).count > 0) (*at(state).sum).append_text(to);
    }
};

}  // namespace

std::unique_ptr<Aggregator> make_average() { return std::make_unique<Average>(); }

}  // namespace csvmill
