/// From a group to its row.
#pragma once

#include <optional>
#include <string>

#include "groups/aggregator.hpp"
#include "output/ordered_output.hpp"
#include "output/ratios.hpp"
#include "output/row.hpp"
#include "query/condition.hpp"
#include "query/query.hpp"

namespace csvmill {

/// Appends the result of aggregate `i` of the group at hand.
template <typename T>
concept Finisher = requires(const T& finish, std::size_t i, std::string& to) { finish(i, to); };

/// Makes the rows of groups. Used by any thread.
class RowMaker {
public:
    explicit RowMaker(const Query& query);

    const RowEncoder& encoder() const { return encoder_; }
    const Query& query() const { return query_; }

    /// Appends the row of a group directly, without `having`.
    template <Finisher Finish>
    void append(Rows& rows, Bytes key, const Finish& finish) const {
        std::string& to = rows.text;
        append_key(to, key);
        for (std::size_t column = query_.group_by.size(); column < query_.names.size(); ++column) {
            encoder_.begin_cell(to, column);
            const std::size_t start = to.size();
            finish(column - query_.group_by.size(), to);
            encoder_.end_cell(to, column, start);
        }
        encoder_.end_row(to);
        ++rows.count;
        if (query_.limit) rows.ends.push_back(to.size());
    }

    /// Sets `row` to the texts of a group's row. Returns false if `having` excludes it.
    template <Finisher Finish>
    bool make(Row& row, Bytes key, const Finish& finish) const {
        split(key, row);
        for (std::size_t i = 0; i < query_.aggregates.size(); ++i) {
            std::string& cell = row[query_.group_by.size() + i];
            cell.clear();
            finish(i, cell);
        }
        ratios_.compute(row);
        return !having_ || having_->holds(row);
    }

    /// Whether `append` may be used.
    bool direct() const { return !having_ && ratios_.empty(); }

private:
    void append_key(std::string& to, Bytes key) const;
    void split(Bytes key, Row& row) const;

    const Query& query_;
    RowEncoder encoder_;
    Ratios ratios_;
    std::optional<Condition> having_;
};

}  // namespace csvmill
