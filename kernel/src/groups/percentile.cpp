/// The number at a place among the sorted numbers, or one between two neighbours: the median is
/// the percentile 50.

#include <algorithm>

#include "groups/aggregators.hpp"
#include "groups/kept_values.hpp"
#include "text/error.hpp"
#include "values/big_decimal.hpp"

namespace csvmill {

namespace {

struct Numbers {
    std::uint64_t count = 0;
    std::uint64_t decimals = 0;  ///< The most of any number.
};

/// Where a percentile is among sorted numbers.
struct Place {
    std::uint64_t rank = 0;  ///< The number at or before it.
    std::uint64_t part = 0;  ///< Of the way to the next number: `part * 10^-decimals`.
    std::uint32_t decimals = 0;
};

class Percentile final : public AggregatorOf<Numbers, false> {
public:
    explicit Percentile(const Percentage& p) : p_(p) {}

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
            throw StateError("a percentile of a state has too many decimals");
        }
        new (state) Numbers(read);
    }

    void finish(const std::byte* state, const NextValue& next, std::string& to) const override {
        if (at(state).count == 0) return;
        const Place place = place_in(at(state).count);
        Bytes value;
        const auto take = [&] {
            if (!next(value)) throw StateError("values of a percentile are missing");
        };
        for (std::uint64_t i = 0; i <= place.rank; ++i) take();
        Bytes low = value;
        const Decimal found = Decimal::take_sortable(low);
        Decimal greater;
        if (place.part > 0) {
            take();
            Bytes high = value;
            greater = Decimal::take_sortable(high);
        }
        append(state, place, found, greater, to);
    }

    void finish_kept(const std::byte* state, const KeptValues& kept, std::uint32_t number,
                     std::string& to) const override {
        if (at(state).count == 0) return;
        const Place place = place_in(at(state).count);
        Decimal low;
        Decimal high;
        kept.at_rank(number, place.rank, place.part > 0, low, high);
        append(state, place, low, high, to);
    }

    Keeps keeps() const override { return Keeps::all; }

private:
    Place place_in(std::uint64_t count) const {
        std::uint32_t decimals = p_.decimals + 2;
        const Wide steps = static_cast<Wide>(p_.digits) * (count - 1);
        const std::uint64_t unit = powers_of_ten[decimals];
        auto part = static_cast<std::uint64_t>(steps % unit);
        for (; decimals > 0 && part % 10 == 0; part /= 10) --decimals;
        return {static_cast<std::uint64_t>(steps / unit), part, decimals};
    }

    /// Appends `low`, or `low + part * (high - low)`.
    static void append(const std::byte* state, const Place& place, const Decimal& low,
                       const Decimal& high, std::string& to) {
        const auto decimals = static_cast<std::uint32_t>(at(state).decimals);
        if (place.part == 0) {
            low.trimmed(decimals).append_text(to);
            return;
        }
        const auto part = static_cast<std::int64_t>(place.part);
        const auto unit = static_cast<std::int64_t>(powers_of_ten[place.decimals]);
        Decimal between = Decimal::product(low, Decimal(unit - part, place.decimals));
        between.add(Decimal::product(high, Decimal(part, place.decimals)));
        between.trimmed(decimals).append_text(to);
    }

    const Percentage p_;
};

}  // namespace

std::unique_ptr<Aggregator> make_percentile(const Percentage& p) {
    return std::make_unique<Percentile>(p);
}

}  // namespace csvmill
