/// The number of rows, or of values.

#include "groups/aggregators.hpp"

namespace csvmill {

namespace {

class Count final : public AggregatorOf<std::uint64_t, false> {
public:
    explicit Count(bool rows) : rows_(rows) {}

    void create(std::byte* state) const override { new (state) std::uint64_t{0}; }

    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget&) const override {
        if (!rows_) {
            for_each_value<std::uint64_t>(batch, values, states,
                                          [](std::uint64_t& count, std::size_t) { ++count; });
            return;
        }
        for (std::size_t i = 0; i < batch.selected.size; ++i) ++at(states[i]);
    }

    void merge(std::byte* state, std::byte* other, Budget&) const override {
        at(state) += at(other);
    }

    void write(const std::byte* state, std::string& to) const override {
        append_count(to, at(state));
    }

    void read(Bytes& from, std::byte* state) const override {
        new (state) std::uint64_t{take_count(from)};
    }

    void finish(const std::byte* state, const NextValue&, std::string& to) const override {
        to += std::to_string(at(state));
    }

private:
    const bool rows_;
};

}  // namespace

std::unique_ptr<Aggregator> make_count(bool rows) { return std::make_unique<Count>(rows); }

}  // namespace csvmill
