/// The most frequent value; the least of several.

#include <algorithm>

#include "groups/aggregators.hpp"
#include "groups/distinct_cells.hpp"
#include "groups/kept_values.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

/// A state has the most decimals of any number; 0 for texts.
class Mode final : public AggregatorOf<std::uint64_t, false> {
public:
    explicit Mode(bool numbers) : numbers_(numbers) {}

    void create(std::byte* state) const override { new (state) std::uint64_t{0}; }

    void add(const Batch& batch, const Values& values, std::byte* const* states,
             Budget&) const override {
        if (!numbers_) return;
        const Decimal* numbers = values.numbers.data();
        for_each_value<std::uint64_t>(
            batch, values, states, [&](std::uint64_t& decimals, std::size_t row) {
                decimals = std::max<std::uint64_t>(decimals, numbers[row].scale());
            });
    }

    void merge(std::byte* state, std::byte* other, Budget&) const override {
        at(state) = std::max(at(state), at(other));
    }

    void write(const std::byte* state, std::string& to) const override {
        append_count(to, at(state));
    }

    void read(Bytes& from, std::byte* state) const override {
        const std::uint64_t decimals = take_count(from);
        if (decimals > Decimal::most_decimals) {
            throw StateError("a number of a state has too many decimals");
        }
        new (state) std::uint64_t{decimals};
    }

    void finish(const std::byte* state, const NextValue& next, std::string& to) const override {
        std::string current;
        std::string best;
        std::uint64_t count = 0;
        std::uint64_t most = 0;
        const auto close = [&] {
            if (count > most) {
                most = count;
                best = current;
            }
        };
        Bytes counted;
        while (next(counted)) {
            Bytes value;
            const std::uint64_t more = count_in(counted, value);
            if (count == 0 || value != current) {
                close();
                current = value;
                count = 0;
            }
            count += more;
        }
        close();
        if (most > 0) append(state, counted_value(best), to);
    }

    void finish_kept(const std::byte* state, const KeptValues& kept, std::uint32_t number,
                     std::string& to) const override {
        Bytes value;
        if (kept.most_frequent(number, value)) append(state, value, to);
    }

    Keeps keeps() const override { return Keeps::counted; }

    const Bytes* kept_cells(const Batch& batch, const Values& values, std::string& text,
                            Cells& made) const override {
        return numbers_ ? sortable_cells(batch, values, text, made) : values.cells->data();
    }

private:
    void append(const std::byte* state, Bytes value, std::string& to) const {
        if (!numbers_) {
            to += value;
            return;
        }
        const auto decimals = static_cast<std::uint32_t>(at(state));
        Decimal::take_sortable(value).padded(decimals).append_text(to);
    }

    const bool numbers_;
};

}  // namespace

std::unique_ptr<Aggregator> make_mode(bool numbers) { return std::make_unique<Mode>(numbers); }

}  // namespace csvmill
