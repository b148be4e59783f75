/// A checksum of bytes that finds damage, not forgery.
#pragma once

#include <cstdint>
#include <cstring>

#include "text/bytes.hpp"

namespace csvmill {

/// 64 bits. A change within 8 bytes always changes it.
inline std::uint64_t checksum(Bytes data, std::uint64_t start = 0) {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15;
    std::uint64_t sum = (start + data.size()) * factor;
    const auto mix = [&sum](std::uint64_t word) {
        sum = (sum ^ word) * factor;
        sum ^= sum >> 29;
    };
    while (data.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data(), 8);
        mix(word);
        data.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    if (!data.empty()) std::memcpy(&rest, data.data(), data.size());
    mix(rest);
    return sum;
}

}  // namespace csvmill
