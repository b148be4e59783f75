/// Values in the JSON of messages.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "csv/dialect.hpp"
#include "run/json.hpp"
#include "text/error.hpp"

namespace csvmill {

template <class T>
using Names = std::pair<Bytes, T>;

/// The value that `json`, a string, names.
template <class T, std::size_t size>
T named(const Json& json, const std::array<Names<T>, size>& names) {
    for (const auto& [name, value] : names) {
        if (json.string() == name) return value;
    }
    throw StateError("a message has an unknown name: " + json.string());
}

inline std::uint64_t number_in(const Json& json, std::uint64_t least, std::uint64_t most) {
    const std::int64_t value = json.integer();
    if (value < 0 || static_cast<std::uint64_t>(value) < least ||
        static_cast<std::uint64_t>(value) > most) {
        throw StateError("a message has a number out of range: " + std::to_string(value));
    }
    return static_cast<std::uint64_t>(value);
}

inline std::uint64_t number(const Json& json) {
    return number_in(json, 0, std::numeric_limits<std::int64_t>::max());
}

inline std::uint32_t position(const Json& json) {
    return static_cast<std::uint32_t>(number_in(json, 0, numbered_columns - 1));
}

inline std::vector<std::string> strings(const Json& json) {
    std::vector<std::string> texts;
    for (const Json& each : json.array()) texts.push_back(each.string());
    return texts;
}

/// Whether a member that may be missing is there and not null.
inline bool is_set(const Json& json, const char* member) {
    return json.has(member) && !json[member].is_null();
}

}  // namespace csvmill
