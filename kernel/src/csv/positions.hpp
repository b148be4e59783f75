/// A list of positions in a block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace csvmill {

/// As a vector, but its memory is not set to zero before positions are written to it.
class Positions {
public:
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return capacity_; }
    const std::uint32_t* data() const { return memory_.get(); }
    const std::uint32_t* begin() const { return data(); }
    const std::uint32_t* end() const { return data() + size_; }
    std::uint32_t operator[](std::size_t i) const { return memory_[i]; }
    std::uint32_t back() const { return memory_[size_ - 1]; }

    void clear() { size_ = 0; }

    void push_back(std::uint32_t position) {
        *room(1) = position;
        ++size_;
    }

    /// Makes room for `number` more positions. Returns where they are to be written; `resize` then
    /// sets how many there are.
    std::uint32_t* room(std::size_t number) {
        if (capacity_ - size_ < number) grow(size_ + number);
        return memory_.get() + size_;
    }

    /// Sets the number of positions, which must be within the capacity.
    void resize(std::size_t size) { size_ = size; }

private:
    void grow(std::size_t number) {
        const std::size_t capacity = std::max(number, 2 * capacity_);
        auto memory = std::make_unique_for_overwrite<std::uint32_t[]>(capacity);
        std::copy_n(memory_.get(), size_, memory.get());
        memory_ = std::move(memory);
        capacity_ = capacity;
    }

    std::unique_ptr<std::uint32_t[]> memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace csvmill
