/// One of the different values of a group.
#pragma once

#include <cstdint>
#include <cstring>

#include "groups/hash.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// Bytes in 16 bytes: up to 15 are inside, more are in an arena. Zeroed memory is no value.
class DistinctValue {
public:
    static constexpr std::size_t most_inside = 15;

    DistinctValue() = default;
    /// Without a copy: only to compare, if the value is not inside.
    explicit DistinctValue(Bytes value) {
        const char* const data = value.data();
        const std::size_t size = value.size();
        if (size > most_inside) {
            std::memcpy(words_, &data, sizeof data);
            words_[1] = size;
            set_mark(outside);
            return;
        }
        // Short values are copied without a call.
        if (size >= 8) {
            words_[0] = read<std::uint64_t>(data);
            if (size > 8) words_[1] = read<std::uint64_t>(data + size - 8) >> (128 - 8 * size);
        } else if (size >= 4) {
            words_[0] = read<std::uint32_t>(data) |
                        std::uint64_t{read<std::uint32_t>(data + size - 4)} << (8 * size - 32);
        } else if (size > 0) {
            words_[0] = read<std::uint8_t>(data) |
                        std::uint64_t{read<std::uint8_t>(data + size / 2)} << (8 * (size / 2)) |
                        std::uint64_t{read<std::uint8_t>(data + size - 1)} << (8 * (size - 1));
        }
        set_mark(static_cast<std::uint8_t>(size + 1));
    }

    bool empty() const { return mark() == 0; }
    bool is_inside() const { return mark() < outside; }
    Bytes bytes() const {
        if (is_inside()) return {reinterpret_cast<const char*>(words_), mark() - std::size_t{1}};
        return {data(), static_cast<std::size_t>(words_[1] & size_mask)};
    }

    /// Copies bytes that are not inside to `arena`.
    void move_to(Arena& arena) {
        if (is_inside()) return;
        const Bytes from = bytes();
        char* data = reinterpret_cast<char*>(arena.allocate(from.size()));
        std::memcpy(data, from.data(), from.size());
        std::memcpy(words_, &data, sizeof data);
    }

    void prefetch() const {
        if (!is_inside()) __builtin_prefetch(data());
    }

    friend bool operator==(const DistinctValue& a, const DistinctValue& b) {
        if (a.words_[1] != b.words_[1]) return false;  // Sizes differ, among others.
        if (a.is_inside()) return a.words_[0] == b.words_[0];
        return same_bytes(a.data(), b.data(), a.bytes().size());
    }

private:
    static constexpr std::uint8_t outside = 0xff;
    static constexpr std::uint64_t size_mask = (std::uint64_t{1} << 56) - 1;

    template <typename Word>
    static Word read(const char* data) {
        Word word{};
        std::memcpy(&word, data, sizeof word);
        return word;
    }
    /// The last byte: none, the size and one, or `outside`.
    std::uint8_t mark() const { return static_cast<std::uint8_t>(words_[1] >> 56); }
    void set_mark(std::uint8_t mark) { words_[1] |= std::uint64_t{mark} << 56; }
    const char* data() const {
        const char* data = nullptr;
        std::memcpy(&data, words_, sizeof data);
        return data;
    }

    std::uint64_t words_[2] = {};  ///< In the order of this machine, little-endian.
};

static_assert(sizeof(DistinctValue) == 16);

/// A value of a group of a part.
struct DistinctEntry {
    std::uint32_t tag = 0;  ///< A hash of the value and of the key of its group.
    std::uint32_t group = 0;
    DistinctValue value;

    friend bool operator==(const DistinctEntry&, const DistinctEntry&) = default;
};

}  // namespace csvmill
