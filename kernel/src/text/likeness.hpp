/// What is the same in texts that look alike.
#pragma once

#include "text/bytes.hpp"

namespace csvmill {

/// Appends `text` (valid UTF-8) in Normalization Form C and lower case, without invisible
/// characters and blanks at both ends, and with one space for blanks between other characters.
void append_likeness(std::string& to, Bytes text);

/// The same, fast, for most ASCII: with nothing but single spaces within it to look at. Else it
/// appends nothing and returns false.
bool append_plain_likeness(std::string& to, Bytes text);

/// The same for each text of the key of a group: appends their likeness as a key.
bool append_plain_key_likeness(std::string& to, Bytes key);

/// Appends the likeness of each text of the key of a group that is ASCII, as a key.
void append_ascii_likeness(std::string& to, Bytes key);

}  // namespace csvmill
