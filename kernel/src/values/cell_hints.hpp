/// What cells may be that are neither numbers nor dates: for messages.
#pragma once

#include <string>

#include "text/bytes.hpp"
#include "values/date_format.hpp"

namespace csvmill {

/// Whether a cell is a word that people write where a value is missing, in any case. The words are
/// those of shared/aggregation/missing.py.
bool means_missing(Bytes cell);

/// The end of a message: what to set if `cell` is a date all the same, though it was not read as
/// one of `dates`; or nothing. The formats are those of shared/aggregation/common_dates.py.
std::string date_hint(Bytes cell, const DateFormat& dates);

}  // namespace csvmill
