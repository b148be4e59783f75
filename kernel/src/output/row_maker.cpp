#include "output/row_maker.hpp"

#include <algorithm>

namespace csvmill {

namespace {

/// Appends the first text of a key, and removes it and its separator.
void take_key_text(std::string& to, Bytes& key) {
    const std::size_t nul = key.find('\0');
    to += key.substr(0, nul);
    if (nul == Bytes::npos) {
        key = {};
        return;
    }
    key.remove_prefix(nul);
    while (!key.empty()) {
        if (key.front() != '\0') {
            to += key.front();
            key.remove_prefix(1);
            continue;
        }
        const bool escaped = key.size() > 1 && key[1] == '\1';
        key.remove_prefix(std::min<std::size_t>(2, key.size()));
        if (!escaped) return;
        to += '\0';
    }
}

}  // namespace

RowMaker::RowMaker(const Query& query) : query_(query), encoder_(query), ratios_(query) {
    if (query.having) having_.emplace(*query.having, Notation(), query.dates.of_values());
}

void RowMaker::append_key(std::string& to, Bytes key) const {
    for (std::size_t column = 0; column < query_.group_by.size(); ++column) {
        encoder_.begin_cell(to, column);
        const std::size_t start = to.size();
        take_key_text(to, key);
        encoder_.end_cell(to, column, start);
    }
}

void RowMaker::split(Bytes key, Row& row) const {
    row.resize(query_.names.size());
    for (std::size_t column = 0; column < query_.group_by.size(); ++column) {
        row[column].clear();
        take_key_text(row[column], key);
    }
}

}  // namespace csvmill
