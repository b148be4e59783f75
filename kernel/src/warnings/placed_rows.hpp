/// The rows of a batch in the text.
#pragma once

#include <cstdint>

#include "query/batch.hpp"
#include "warnings/text_place.hpp"

namespace csvmill {

struct PlacedRows {
    const Batch& batch;
    const std::uint32_t* starts;  ///< Where each row begins in the data.
    bool regular;                 ///< Whether each row begins where the one before it ends.
    const TextPlace& place;
};

}  // namespace csvmill
