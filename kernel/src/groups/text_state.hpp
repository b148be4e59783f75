/// A text of a state.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "groups/aggregator.hpp"
#include "text/error.hpp"

namespace csvmill {

/// A text of its own, in 32 bytes: short ones are inside. An empty one means none, because an empty
/// cell is not a value.
class TextState {
public:
    TextState() = default;
    TextState(const TextState&) = delete;
    TextState& operator=(const TextState&) = delete;
    ~TextState() {
        if (capacity_ > 0) std::free(heap());
    }

    bool has_value() const { return size_ > 0; }
    Bytes text() const { return {capacity_ > 0 ? heap() : inside_, size_}; }

    /// Copies `text`. Memory is used again.
    void set(Bytes text, Budget& budget) {
        if (text.size() <= sizeof(inside_) && capacity_ == 0) {
            if (!text.empty()) std::memcpy(inside_, text.data(), text.size());
        } else {
            if (text.size() > capacity_) {
                const std::size_t capacity = std::max(text.size(), std::size_t{48});
                char* data = static_cast<char*>(std::malloc(capacity));
                if (data == nullptr) throw std::bad_alloc();
                budget.give(heap_bytes());
                if (capacity_ > 0) std::free(heap());
                std::memcpy(inside_, &data, sizeof(data));
                capacity_ = static_cast<std::uint32_t>(capacity);
                budget.take(heap_bytes());
            }
            std::memcpy(heap(), text.data(), text.size());
        }
        size_ = static_cast<std::uint32_t>(text.size());
    }

    void swap(TextState& other) noexcept {
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(inside_, other.inside_);
    }

    void write(std::string& to) const {
        append_count(to, size_);
        to += text();
    }

    void read(Bytes& from) {
        const std::uint64_t size = take_count(from);
        if (size > from.size() || size > std::numeric_limits<std::uint32_t>::max()) {
            throw StateError("a text of a state is not complete");
        }
        Budget uncounted(0);
        set(from.substr(0, size), uncounted);
        from.remove_prefix(size);
    }

private:
    /// With what the heap needs for itself.
    std::size_t heap_bytes() const { return capacity_ > 0 ? capacity_ + std::size_t{16} : 0; }
    char* heap() const {
        char* data = nullptr;
        std::memcpy(&data, inside_, sizeof(data));
        return data;
    }

    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  ///< Of the memory that `inside_` points to; 0 for none.
    alignas(8) char inside_[24] = {};
};

static_assert(sizeof(TextState) == 32);

}  // namespace csvmill
