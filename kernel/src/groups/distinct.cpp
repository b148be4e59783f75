/// The number of different values.

#include "groups/aggregators.hpp"
#include "groups/distinct_cells.hpp"
#include "groups/kept_values.hpp"

namespace csvmill {

namespace {

class CountDistinct final : public StatelessAggregator {
public:
    explicit CountDistinct(bool numbers) : numbers_(numbers) {}

    void finish(const std::byte*, const NextValue& next, std::string& to) const override {
        Bytes value;
        std::uint64_t count = 0;
        while (next(value)) ++count;
        to += std::to_string(count);
    }

    void finish_kept(const std::byte*, const KeptValues& kept, std::uint32_t number,
                     std::string& to) const override {
        to += std::to_string(kept.count_of(number));
    }

    Keeps keeps() const override { return Keeps::distinct; }

    const Bytes* kept_cells(const Batch& batch, const Values& values, std::string& text,
                            Cells& made) const override {
        return numbers_ ? sortable_cells(batch, values, text, made) : values.cells->data();
    }

private:
    const bool numbers_;
};

}  // namespace

std::unique_ptr<Aggregator> make_count_distinct(bool numbers) {
    return std::make_unique<CountDistinct>(numbers);
}

}  // namespace csvmill
