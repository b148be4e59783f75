/// Fast comparisons of keys.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "text/bytes.hpp"

namespace csvmill {

/// 8 bytes of a key, from `skip` on, as a number that compares as the keys do; zeros after its end.
inline std::uint64_t key_prefix(Bytes key, std::size_t skip) {
    std::uint64_t prefix = 0;
    if (key.size() >= skip + 8) {
        std::memcpy(&prefix, key.data() + skip, 8);
    } else if (key.size() > skip) {
        std::memcpy(&prefix, key.data() + skip, key.size() - skip);
    }
    if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) prefix = __builtin_bswap64(prefix);
    return prefix;
}

/// The number of first bytes that two keys have in common.
inline std::size_t common_bytes(Bytes a, Bytes b) {
    const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(end - a.begin());
}

}  // namespace csvmill
