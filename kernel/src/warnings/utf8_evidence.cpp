#include "warnings/utf8_evidence.hpp"

#include <algorithm>

#include "state/encoding.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

/// The bytes of a character of UTF-8 that begins with `lead`; 1 if none does.
std::size_t length_of(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    if (byte < 0xC2 || byte > 0xF4) return 1;
    if (byte < 0xE0) return 2;
    return byte < 0xF0 ? 3 : 4;
}

/// The bytes at the end of `source` of a character that continues after it.
std::size_t unfinished(Bytes source) {
    const std::size_t most = std::min(source.size(), character_limit - 1);
    for (std::size_t size = 1; size <= most; ++size) {
        if (length_of(source[source.size() - size]) > size) return size;
    }
    return 0;
}

}  // namespace

void Utf8Evidence::add(Bytes source, bool final) {
    complete(source);
    if (!refuted_ && pending_.empty()) {
        const std::size_t left = unfinished(source);
        pending_ = source.substr(source.size() - left);
        source.remove_suffix(left);
        refuted_ = !is_utf8(source);
        if (!refuted_ && first_.empty() && !is_ascii(source)) {
            const auto at = static_cast<std::size_t>(
                std::ranges::find_if(source, [](char byte) { return !is_ascii({&byte, 1}); }) -
                source.begin());
            first_ = source.substr(at, length_of(source[at]));
        }
    }
    refuted_ = refuted_ || (final && !pending_.empty());
}

/// Completes the character that was unfinished.
void Utf8Evidence::complete(Bytes& source) {
    while (!refuted_ && !pending_.empty() && !source.empty()) {
        pending_ += source.front();
        source.remove_prefix(1);
        if (pending_.size() < length_of(pending_.front())) continue;
        refuted_ = !is_utf8(pending_);
        if (first_.empty()) first_ = pending_;
        pending_.clear();
    }
}

void Utf8Evidence::append(const Utf8Evidence& next) {
    refuted_ = refuted_ || next.refuted_;
    if (first_.empty()) first_ = next.first_;
}

void Utf8Evidence::write(std::string& to) const {
    append_varint(to, refuted_ ? 1 : 0);
    const Bytes first = refuted_ ? Bytes() : first_;
    append_varint(to, first.size());
    to += first;
}

Utf8Evidence Utf8Evidence::read(Bytes& from) {
    Utf8Evidence found;
    found.refuted_ = take_varint(from) != 0;
    found.first_ = take_bytes(from, take_varint(from));
    if (found.first_.size() > character_limit || !is_utf8(found.first_)) {
        throw StateError("a state file is damaged: it has a wrong character");
    }
    return found;
}

}  // namespace csvmill
