/// How records are called that sum others.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// Whether a text names a record that sums others, such as "Total", "Summe:" or "Итого".
bool names_total(Bytes text);

/// Whether a text names a group that may have all others, such as "ALL". It is a name of groups for
/// other reasons too, so that only its sums show a total.
bool names_all(Bytes text);

/// Whether a text may be blank, or one that `names_total`: by its first three bytes.
bool may_be_named(Bytes text);

}  // namespace csvmill
