#include "csv/record_index.hpp"

namespace csvmill {

void RecordIndex::clear(const KeptFields& fields_kept, std::size_t at) {
    kept = &fields_kept;
    regular = false;
    begin = end = static_cast<std::uint32_t>(at);
    dropping = footer = quotes = crlf = false;
    ends.clear();
    rows.clear();
    fields.clear();
    line_ends = 0;
    of_several_lines = 0;
    most_lines = 1;
    long_records.clear();
    passed_over = 0;
    last = Above::nothing;
}

}  // namespace csvmill
