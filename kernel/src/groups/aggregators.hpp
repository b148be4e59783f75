/// The aggregators of each function, which `make_aggregator` chooses from.
#pragma once

#include <cstdint>
#include <memory>

#include "groups/aggregator.hpp"

namespace csvmill {

/// The decimals that a mean, a variance or its root has at most in addition to those of its values,
/// or of their squares: AVG_DECIMALS.
inline constexpr std::uint32_t extra_decimals = 6;

/// An aggregator whose states are objects of `State`, which holds what it needs to be destroyed.
template <typename State, bool owning>
class AggregatorOf : public Aggregator {
public:
    static_assert(sizeof(State) % 8 == 0 && alignof(State) <= 8);

    std::size_t state_size() const override { return sizeof(State); }
    void create(std::byte* state) const override { new (state) State; }
    void destroy(std::byte* state) const override { at(state).~State(); }
    bool owns() const override { return owning; }

protected:
    static State& at(std::byte* state) { return *reinterpret_cast<State*>(state); }
    static const State& at(const std::byte* state) {
        return *reinterpret_cast<const State*>(state);
    }
};

/// Calls `take` with the state and the row of each selected row that has a value.
template <typename State, typename Take>
void for_each_value(const Batch& batch, const Values& values, std::byte* const* states,
                    Take&& take) {
    const std::uint16_t* rows = batch.selected.begin();
    const std::size_t size = batch.selected.size;
    for (std::size_t i = 0; i < size; ++i) {
        if (values.present[rows[i]]) take(*reinterpret_cast<State*>(states[i]), rows[i]);
    }
}

std::unique_ptr<Aggregator> make_count(bool rows);
std::unique_ptr<Aggregator> make_count_distinct(bool numbers);
std::unique_ptr<Aggregator> make_sum();
std::unique_ptr<Aggregator> make_average();
std::unique_ptr<Aggregator> make_variance(bool root);
std::unique_ptr<Aggregator> make_percentile(const Percentage& p);
std::unique_ptr<Aggregator> make_mode(bool numbers);
std::unique_ptr<Aggregator> make_concat_distinct(const std::string& separator);
std::unique_ptr<Aggregator> make_ratio();
std::unique_ptr<Aggregator> make_number_extreme(bool greatest);
std::unique_ptr<Aggregator> make_text_extreme(bool greatest);
std::unique_ptr<Aggregator> make_date_extreme(bool greatest);
std::unique_ptr<Aggregator> make_position_extreme(bool last);

}  // namespace csvmill
