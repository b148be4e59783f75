/// Keys of groups, and values of aggregates, of the records of a batch.
#pragma once

#include <optional>
#include <vector>

#include "query/batch.hpp"
#include "query/condition.hpp"

namespace csvmill {

/// The key of a group: its texts, separated by two NULs; a NUL in a text is followed by 0x01. Keys
/// sort (memcmp, a prefix first) as the tuples of their texts.
void append_key_text(std::string& key, Bytes text, bool first);

/// The texts of a key of `count` > 0 columns. Throws StateError if it does not have so many.
void split_key(Bytes key, std::size_t count, std::vector<std::string>& texts);

/// Reads the selected rows of batches. Rows with a bad cell leave the selection.
///
/// `query` must live as long. All that changes is in the batch: threads may share a reader.
class RowReader {
public:
    explicit RowReader(const Query& query);

    /// Sets `batch.keys` of the selected rows: trim, truncate, NFC, case, in this order.
    void read_keys(Batch& batch) const;

    /// Sets the values of the selected rows. If several cells of a row are bad, the one of the
    /// first aggregate is reported.
    void read_values(Batch& batch) const;

private:
    void read_values(Batch& batch, std::size_t i) const;

    const Query& query_;
    bool plain_ = true;  ///< Whether all group columns are.
    /// The first aggregate that reads the same values as each one: perhaps itself.
    std::vector<std::size_t> sources_;
    std::vector<std::optional<Condition>> conditions_;  ///< `where` of each aggregate.
};

}  // namespace csvmill
