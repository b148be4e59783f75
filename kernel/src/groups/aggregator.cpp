#include "groups/aggregator.hpp"

#include <stdexcept>

#include "groups/aggregators.hpp"
#include "text/error.hpp"

namespace csvmill {

const Bytes* Aggregator::kept_cells(const Batch&, const Values&, std::string&, Cells&) const {
    throw std::logic_error("this aggregate keeps no values");
}

void Aggregator::finish_kept(const std::byte*, const KeptValues&, std::uint32_t,
                             std::string&) const {
    throw std::logic_error("this aggregate keeps no values");
}

std::unique_ptr<Aggregator> make_aggregator(const Aggregate& aggregate) {
    const bool numbers = aggregate.kind == Kind::integer || aggregate.kind == Kind::number;
    auto extreme = [&](bool greatest) {
        if (numbers) return make_number_extreme(greatest);
        return aggregate.kind == Kind::date ? make_date_extreme(greatest)
                                            : make_text_extreme(greatest);
    };
    switch (aggregate.function) {
        case Function::count:
            return make_count(!aggregate.column && !aggregate.where);
        case Function::count_distinct:
            return make_count_distinct(numbers);
        case Function::sum:
            return make_sum();
        case Function::avg:
            return make_average();
        case Function::median:
            return make_percentile(Percentage());
        case Function::percentile:
            return make_percentile(aggregate.p);
        case Function::variance:
            return make_variance(false);
        case Function::stddev:
            return make_variance(true);
        case Function::mode:
            return make_mode(numbers);
        case Function::concat_distinct:
            return make_concat_distinct(aggregate.separator);
        case Function::ratio:
            return make_ratio();
        case Function::min:
            return extreme(false);
        case Function::max:
            return extreme(true);
        case Function::first:
            return make_position_extreme(false);
        case Function::last:
            return make_position_extreme(true);
    }
    throw std::logic_error("an unknown function");
}

Layout::Layout(const Query& query) {
    for (const Aggregate& aggregate : query.aggregates) {
        auto aggregator = make_aggregator(aggregate);
        offsets_.push_back(header_size_);
        header_size_ += aggregator->state_size();
        owns_ |= aggregator->owns();
        keeps_ |= aggregator->keeps() != Aggregator::Keeps::none;
        aggregators_.push_back(std::move(aggregator));
    }
    created_.resize(header_size_ / 8);
    auto* group = new (created_.data()) Group;
    for (std::size_t i = 0; i < size(); ++i) aggregators_[i]->create(state(group, i));
}

void append_count(std::string& to, std::uint64_t count) {
    for (; count >= 0x80; count >>= 7) to.push_back(static_cast<char>(count | 0x80));
    to.push_back(static_cast<char>(count));
}

std::uint64_t take_count(Bytes& from) {
    std::uint64_t count = 0;
    for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        count |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return count;
    }
    throw StateError("a count of a state is not complete");
}

}  // namespace csvmill
