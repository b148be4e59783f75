/// The quotients of results.
#pragma once

#include <string>
#include <vector>

#include "query/query.hpp"

namespace csvmill {

/// Computes the ratios of a query.
class Ratios {
public:
    explicit Ratios(const Query& query);

    bool empty() const { return ratios_.empty(); }

    /// Sets the cells of all ratios in a row of the result. Throws MalformedInput.
    void compute(std::vector<std::string>& row) const;

private:
    struct Ratio {
        std::size_t column;  ///< Of the output, as the others.
        std::size_t above;
        std::size_t below;
    };
    std::vector<Ratio> ratios_;
};

}  // namespace csvmill
