/// How logs of entries grow, and how they are moved into one another.
#pragma once

#include <algorithm>
#include <cstddef>

namespace csvmill {

/// The entries for which the smallest log has room.
inline constexpr std::size_t least_log = 32;
/// Entries that `absorb` moves before it frees their memory.
inline constexpr std::size_t moved_at_once = std::size_t{1} << 16;

/// For how many entries a full log is to have room.
inline std::size_t grown_log(std::size_t capacity) {
    return std::max(least_log, capacity + (capacity < 4096 ? capacity : capacity / 4));
}

}  // namespace csvmill
