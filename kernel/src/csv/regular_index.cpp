#include "csv/record_index.hpp"

namespace csvmill {

bool BlockIndexer::index_regular(Bytes, std::size_t, bool, RecordIndex&) const {
    return false;
}

}  // namespace csvmill
