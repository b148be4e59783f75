#include "run/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/error.hpp"
#include "text/utf8.hpp"

namespace csvmill {

namespace {

constexpr int max_depth = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads one text from start to end.
class Parser {
public:
    explicit Parser(Bytes text) : text_(text) {}

    Json parse() {
        Json value = read_value(0);
        skip_space();
        if (at_ != text_.size()) fail("more than one value");
        return value;
    }

private:
    [[noreturn]] void fail(const char* why) const {
        throw StateError("not a JSON message: " + std::string(why) + " at byte " +
                         std::to_string(at_));
    }

    /// The next byte; 0, which is no part of JSON, at the end.
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
    }

    void expect(Bytes word) {
        if (text_.substr(at_, word.size()) != word) fail("an unknown word");
        at_ += word.size();
    }

    Json read_value(int depth) {
        if (depth == max_depth) fail("nested too deep");
        skip_space();
        switch (peek()) {
            case '{':
                return read_object(depth);
            case '[':
                return read_array(depth);
            case '"':
                return Json(read_string());
            case 't':
                return expect("true"), Json(true);
            case 'f':
                return expect("false"), Json(false);
            case 'n':
                return expect("null"), Json();
            default:
                return Json(read_integer());
        }
    }

    Json read_object(int depth) {
        Json::Object members;
        ++at_;
        skip_space();
        if (take('}')) return Json(std::move(members));
        do {
            skip_space();
            if (peek() != '"') fail("a member without a name");
            std::string name = read_string();
            skip_space();
            if (!take(':')) fail("a member without a colon");
            if (!members.emplace(std::move(name), read_value(depth + 1)).second) {
                fail("a member that is repeated");
            }
            skip_space();
        } while (take(','));
        if (!take('}')) fail("an object that is not closed");
        return Json(std::move(members));
    }

    Json read_array(int depth) {
        Json::Array items;
        ++at_;
        skip_space();
        if (take(']')) return Json(std::move(items));
        do {
            items.push_back(read_value(depth + 1));
            skip_space();
        } while (take(','));
        if (!take(']')) fail("an array that is not closed");
        return Json(std::move(items));
    }

    std::int64_t read_integer() {
        const std::size_t begin = at_;
        take('-');
        const bool zero = peek() == '0';
        const std::size_t digits = at_;
        while (is_digit(peek())) ++at_;
        if (at_ == digits) fail("not a value");
        if (zero && at_ != digits + 1) fail("a number with leading zeros");
        if (peek() == '.' || peek() == 'e' || peek() == 'E') fail("a number that is no integer");
        std::int64_t value = 0;
        const Bytes number = text_.substr(begin, at_ - begin);
        const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
        if (read.ec != std::errc()) fail("an integer that is too large");
        return value;
    }

    std::string read_string() {
        std::string value;
        ++at_;
        while (!take('"')) {
            const std::size_t begin = at_;
            while (peek() != '"' && peek() != '\\' && static_cast<unsigned char>(peek()) >= 0x20) {
                ++at_;
            }
            value.append(text_, begin, at_ - begin);
            if (peek() == '"') continue;
            if (!take('\\')) fail("a string that is not closed, or has a control character");
            read_escape(value);
        }
        if (!is_utf8(value)) fail("a string that is not UTF-8");
        return value;
    }

    void read_escape(std::string& value) {
        const char c = peek();
        ++at_;
        switch (c) {
            case '"':
            case '\\':
            case '/':
                value += c;
                break;
            case 'b':
                value += '\b';
                break;
            case 'f':
                value += '\f';
                break;
            case 'n':
                value += '\n';
                break;
            case 'r':
                value += '\r';
                break;
            case 't':
                value += '\t';
                break;
            case 'u':
                append_utf8(value, read_character());
                break;
            default:
                fail("an unknown escape sequence");
        }
    }

    /// What follows `\u`: one code unit, or two of a surrogate pair.
    char32_t read_character() {
        const char32_t first = read_code_unit();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first < 0xDC00 && take('\\') && take('u')) {
            const char32_t second = read_code_unit();
            if (second >= 0xDC00 && second <= 0xDFFF) {
                return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
            }
        }
        fail("half of a surrogate pair");
    }

    char32_t read_code_unit() {
        const Bytes digits = text_.substr(std::min(at_, text_.size()), 4);
        std::uint32_t unit = 0;
        const char* end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, unit, 16);
        if (digits.size() != 4 || read.ptr != end) fail("an escape sequence without 4 digits");
        at_ += 4;
        return unit;
    }

    Bytes text_;
    std::size_t at_ = 0;
};

template <class T>
const T& as(const auto& value, const char* what) {
    if (const T* found = std::get_if<T>(&value)) return *found;
    throw StateError("a message has something else than " + std::string(what));
}

}  // namespace

Json Json::parse(Bytes text) { return Parser(text).parse(); }

bool Json::boolean() const { return as<bool>(value_, "true or false"); }

std::int64_t Json::integer() const { return as<std::int64_t>(value_, "an integer"); }

const std::string& Json::string() const { return as<std::string>(value_, "a string"); }

const Json::Array& Json::array() const { return as<Array>(value_, "an array"); }

const Json& Json::operator[](Bytes member) const {
    const auto& members = as<Object>(value_, "an object");
    const auto found = members.find(member);
    if (found == members.end()) {
        throw StateError("a message lacks the member " + std::string(member));
    }
    return found->second;
}

bool Json::has(Bytes member) const {
    const auto* members = std::get_if<Object>(&value_);
    return members != nullptr && members->contains(member);
}

JsonWriter& JsonWriter::raw(Bytes name, Bytes json) {
    if (text_.size() > 1) text_ += ',';
    append_json_string(text_, name);
    text_ += ':';
    text_ += json;
    return *this;
}

JsonWriter& JsonWriter::member(Bytes name, Bytes text) {
    std::string json;
    append_json_string(json, text);
    return raw(name, json);
}

JsonWriter& JsonWriter::member(Bytes name, std::uint64_t number) {
    return raw(name, std::to_string(number));
}

JsonWriter& JsonWriter::member(Bytes name, bool truth) {
    return raw(name, truth ? "true" : "false");
}

JsonWriter& JsonWriter::member(Bytes name, double number) {
    if (!std::isfinite(number)) return null(name);
    std::array<char, 32> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return raw(name, Bytes(digits.data(), static_cast<std::size_t>(written.ptr - digits.data())));
}

JsonWriter& JsonWriter::null(Bytes name) { return raw(name, "null"); }

std::string JsonWriter::finish() {
    text_ += '}';
    return std::move(text_);
}

void append_json_string(std::string& to, Bytes text) {
    constexpr Bytes hex = "0123456789abcdef";
    to += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x80) {
            const Decoded decoded = decode_utf8(text, at);
            if (decoded.valid) {
                to.append(text, at, decoded.length);
            } else {
                to += "\xEF\xBF\xBD";
            }
            at += decoded.length;
            continue;
        }
        if (byte < 0x20) {
            to += "\\u00";
            to += hex[byte >> 4U];
            to += hex[byte & 15U];
        } else {
            if (byte == '"' || byte == '\\') to += '\\';
            to += text[at];
        }
        ++at;
    }
    to += '"';
}

std::string json_array(const std::vector<std::string>& texts) {
    std::string json = "[";
    for (const std::string& text : texts) {
        if (json.size() > 1) json += ',';
        append_json_string(json, text);
    }
    return json + ']';
}

}  // namespace csvmill
