/// The middle of the sorted numbers, or half the sum of the two in the middle.

#include <algorithm>

#include "groups/aggregators.hpp"
#include "groups/kept_values.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

struct Numbers {
    std::uint64_t count = 0;
    std::uint64_t decimals = 0;  ///< The most of any number.
};

class Median final : public AggregatorOf<Numbers, false> {
public:
    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget&) const override {
        const Decimal* numbers = values.numbers.data();
        for_each_value<Numbers>(batch, values, states, [&](Numbers& state, std::size_t row) {
            ++state.count;
            state.decimals = std::max<std::uint64_t>(state.decimals, numbers[row].scale());
        });
    }

    void merge(std::byte* state, std::byte* other, Budget&) const override {
        at(state).count += at(other).count;
        at(state).decimals = std::max(at(state).decimals, at(other).decimals);
    }

    void write(const std::byte* state, std::string& to) const override {
        append_count(to, at(state).count);
        append_count(to, at(state).decimals);
    }

    void read(Bytes& from, std::byte* state) const override {
        Numbers read;
        read.count = take_count(from);
        read.decimals = take_count(from);
        if (read.decimals > Decimal::most_decimals) {
            throw StateError("a median of a state has too many decimals");
        }
        new (state) Numbers(read);
    }

    void finish(const std::byte* state, const NextValue& next, std::string& to) const override {
        const std::uint64_t count = at(state).count;
        if (count == 0) return;
        Bytes value;
        const auto take = [&] {
            if (!next(value)) throw StateError("values of a median are missing");
        };
        for (std::uint64_t i = 0; i <= (count - 1) / 2; ++i) take();
        Bytes low = value;
        Decimal middle = Decimal::take_sortable(low);
        if (count % 2 == 0) {
            take();
            Bytes high = value;
            middle.add(Decimal::take_sortable(high));
        }
        append(state, middle, to);
    }

    void finish_kept(const std::byte* state, const KeptValues& kept, std::uint32_t number,
                     std::string& to) const override {
        const std::uint64_t count = at(state).count;
        if (count == 0) return;
        Decimal low;
        Decimal high;
        kept.middle(number, (count - 1) / 2, count % 2 == 0, low, high);
        if (count % 2 == 0) low.add(high);
        append(state, low, to);
    }

    Keeps keeps() const override { return Keeps::all; }

private:
    /// `middle` is the number in the middle, or the sum of two.
    static void append(const std::byte* state, const Decimal& middle, std::string& to) {
        const auto decimals = static_cast<std::uint32_t>(at(state).decimals);
        const Decimal half = at(state).count % 2 == 0 ? middle.half() : Decimal(middle);
        half.trimmed(decimals).append_text(to);
    }
};

}  // namespace

std::unique_ptr<Aggregator> make_median() { return std::make_unique<Median>(); }

}  // namespace csvmill
