/// The texts of group columns that change their cells.
#pragma once

#include "query/batch.hpp"

namespace csvmill {

/// Sets the texts of `group` for the selected rows: trim, truncate (or part, substring, match,
/// NFC), case, in this order. An empty text stays empty. Rows whose cell is not a date, but should
/// be, leave the selection.
void change_cells(Batch& batch, const GroupColumn& group, const DateFormat& dates,
                  ChangedCells& to);

}  // namespace csvmill
