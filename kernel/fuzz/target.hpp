/// Functions that read hostile bytes. libFuzzer calls each in a program of its own (entry.cpp); the
/// tests call all of them with the inputs in corpus/ (replay.cpp).
#pragma once

#include <cstdlib>

#include "text/bytes.hpp"

namespace csvmill::fuzz {

void messages(Bytes input);  ///< JSON, task and query.
void records(Bytes input);   ///< Records of any dialect: each index of a block has equal cells.
void cells(Bytes input);     ///< Numbers and dates, and what is made from them.
void texts(Bytes input);     ///< Encodings, letter case, and texts in messages.
void states(Bytes input);    ///< State files, of threads and of parts.
void distinct(Bytes input);  ///< Sets of values: they hold what a plain model holds.

/// Ends the program if a property does not hold.
inline void require(bool holds) {
    if (!holds) std::abort();
}

/// Takes a byte that selects a variant; 0 at the end of the input.
inline unsigned take_choice(Bytes& input) {
    if (input.empty()) return 0;
    const auto choice = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return choice;
}

}  // namespace csvmill::fuzz
