/// The different texts, sorted bytewise, in one text.

#include <utility>

#include "groups/aggregators.hpp"
#include "groups/kept_values.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

/// The most bytes of a result: MAX_CONCATENATED.
constexpr std::size_t most_bytes = std::size_t{64} << 10;

/// Appends texts to a result, with a separator between them.
class Concatenation {
public:
    Concatenation(std::string& to, Bytes separator)
        : to_(to), begin_(to.size()), separator_(separator) {}

    void add(Bytes text) {
        if (any_) to_ += separator_;
        any_ = true;
        to_ += text;
        if (to_.size() - begin_ <= most_bytes) return;
        throw MalformedInput("a cell of concat_distinct would have more than " +
                             std::to_string(most_bytes) +
                             " bytes: group by more columns, leave out rows with where, or send "
                             "count_distinct");
    }

private:
    std::string& to_;
    const std::size_t begin_;
    const Bytes separator_;
    bool any_ = false;
};

class ConcatDistinct final : public StatelessAggregator {
public:
    explicit ConcatDistinct(std::string separator) : separator_(std::move(separator)) {}

    void finish(const std::byte*, const NextValue& next, std::string& to) const override {
        Concatenation texts(to, separator_);
        Bytes value;
        while (next(value)) texts.add(value);
    }

    void finish_kept(const std::byte*, const KeptValues& kept, std::uint32_t number,
                     std::string& to) const override {
        Concatenation texts(to, separator_);
        kept.each_of(number, [&texts](Bytes value) { texts.add(value); });
    }

    Keeps keeps() const override { return Keeps::distinct; }
    bool reads_distinct() const override { return true; }

    const Bytes* kept_cells(const Batch&, const Values& values, std::string&,
                            Cells&) const override {
        return values.cells->data();
    }

private:
    const std::string separator_;
};

}  // namespace

std::unique_ptr<Aggregator> make_concat_distinct(const std::string& separator) {
    return std::make_unique<ConcatDistinct>(separator);
}

}  // namespace csvmill
