/// The number of different values.

#include "groups/aggregators.hpp"
#include "groups/distinct_cells.hpp"
#include "groups/kept_values.hpp"

namespace csvmill {

namespace {

class CountDistinct final : public Aggregator {
public:
    explicit CountDistinct(bool numbers) : numbers_(numbers) {}

    // The set of values is all there is.
    std::size_t state_size() const override { return 0; }
    void create(std::byte*) const override {}
    void destroy(std::byte*) const override {}
    bool owns() const override { return false; }
    void add(const Batch&, const Values&, std::byte* const*, Budget&) const override {}
    void merge(std::byte*, std::byte*, Budget&) const override {}
    void write(const std::byte*, std::string&) const override {}
    void read(Bytes&, std::byte*) const override {}

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
