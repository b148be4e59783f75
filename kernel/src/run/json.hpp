/// JSON (RFC 8259) of the messages between the service and the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "text/bytes.hpp"

namespace csvmill {

/// A value that was read. Numbers are integers of 64 bits: messages have no others.
class Json {
public:
    using Array = std::vector<Json>;
    using Object = std::map<std::string, Json, std::less<>>;

    Json() = default;
    template <class T>
    explicit Json(T value) : value_(std::move(value)) {}

    /// Throws StateError if `text` is not one JSON value, or is nested more than 100 deep.
    static Json parse(Bytes text);

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    /// These throw StateError for a value of another type, and for a missing member.
    bool boolean() const;
    std::int64_t integer() const;
    const std::string& string() const;
    const Array& array() const;
    const Json& operator[](Bytes member) const;
    /// Whether it is an object with this member.
    bool has(Bytes member) const;

private:
    std::variant<std::monostate, bool, std::int64_t, std::string, Array, Object> value_;
};

/// Writes one JSON object, member by member.
class JsonWriter {
public:
    JsonWriter& member(Bytes name, Bytes text);
    JsonWriter& member(Bytes name, const char* text) { return member(name, Bytes(text)); }
    JsonWriter& member(Bytes name, std::uint64_t number);
    JsonWriter& member(Bytes name, bool truth);
    JsonWriter& member(Bytes name, double number);
    JsonWriter& null(Bytes name);
    JsonWriter& raw(Bytes name, Bytes json);  ///< A value that is JSON already.
    std::string finish();                     ///< The object.

private:
    std::string text_ = "{";
};

/// Appends a JSON string. Invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& to, Bytes text);

/// A JSON array of strings.
std::string json_array(const std::vector<std::string>& texts);

}  // namespace csvmill
