/// Nothing: ratios are computed from the results of other aggregates, in output/ratios.hpp.

#include "groups/aggregators.hpp"

namespace csvmill {

namespace {

class Ratio final : public Aggregator {
public:
    std::size_t state_size() const override { return 0; }
    void create(std::byte*) const override {}
    void destroy(std::byte*) const override {}
    bool owns() const override { return false; }
    void add(const Batch&, const Values&, std::byte* const*, Budget&) const override {}
    void merge(std::byte*, std::byte*, Budget&) const override {}
    void write(const std::byte*, std::string&) const override {}
    void read(Bytes&, std::byte*) const override {}
    void finish(const std::byte*, const NextValue&, std::string&) const override {}
};

}  // namespace

std::unique_ptr<Aggregator> make_ratio() { return std::make_unique<Ratio>(); }

}  // namespace csvmill
