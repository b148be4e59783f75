/// Nothing: ratios are computed from the results of other aggregates, in output/ratios.hpp.

#include "groups/aggregators.hpp"

namespace csvmill {

namespace {

class Ratio final : public StatelessAggregator {
public:
    void finish(const std::byte*, const NextValue&, std::string&) const override {}
};

}  // namespace

std::unique_ptr<Aggregator> make_ratio() { return std::make_unique<Ratio>(); }

}  // namespace csvmill
