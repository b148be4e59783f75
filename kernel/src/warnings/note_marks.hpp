/// How notes below a table begin.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// Whether a text announces a note, such as "Source:", "* estimated" or "(1)": it ends in a colon,
/// begins with the mark of a footnote, or is a word such as "Quelle".
bool begins_note(Bytes text);

}  // namespace csvmill
