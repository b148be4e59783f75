/// Keys of groups, made of texts.
#pragma once

#include "query/batch.hpp"

namespace csvmill {

/// Sets `batch.keys` of the selected rows to the keys of the texts in `batch.key_cells`: see
/// `append_key_text`. Without texts, keys are empty.
void make_keys(Batch& batch);

}  // namespace csvmill
