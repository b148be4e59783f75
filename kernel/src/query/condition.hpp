/// `where` on batches of records, and `having` on rows of the result.
#pragma once

#include <memory>
#include <vector>

#include "query/batch.hpp"

namespace csvmill {

/// A restriction, ready to be tested.
class Condition {
public:
    /// Numbers and dates in cells are read in `notation` and `dates`.
    Condition(const Restriction& restriction, const Notation& notation,
              const DateFormat& dates = {});
    ~Condition();
    Condition(Condition&&) noexcept;
    Condition& operator=(Condition&&) noexcept;

    /// Leaves the rows for which it holds in `batch.selected`; counts the others in
    /// `batch.filtered`, or adds them to `batch.faults` if a cell cannot be read. Cells that are
    /// not needed to know the outcome of a row are not read. `batch.tested` gets an entry for each
    /// column that a comparison reads as numbers: the cells that the first of its comparisons read.
    void filter(Batch& batch) const;

    /// From now on, `filter` sets `batch.almost`: cells that a comparison of `asked_texts` has
    /// read, and that do not equal one of its texts, but may look like it. It is a cheap test.
    void note_almost_asked(const Restriction& restriction);

    /// The same without counting others.
    void select(Batch& batch) const;

    /// Whether it holds for a row of the result. Cells of the output can always be read.
    bool holds(const std::vector<std::string>& row) const;

private:
    struct Node;
    std::unique_ptr<Node> root_;
    std::vector<std::uint32_t> number_columns_;
};

}  // namespace csvmill
