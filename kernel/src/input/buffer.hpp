/// Memory for a block of the file.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

#include "text/bytes.hpp"

namespace csvmill {

/// Bytes with room before and after them. 64 bytes after the end can always be read.
class Buffer {
public:
    static constexpr std::size_t padding = 64;

    /// Makes room for `before` bytes before and `after` bytes after the content, which becomes
    /// empty.
    void reset(std::size_t before, std::size_t after) {
        if (capacity_ < before + after + padding) {
            capacity_ = before + after + padding;
            memory_ = std::make_unique_for_overwrite<char[]>(capacity_);
        }
        begin_ = end_ = before;
        pad();
    }

    /// Where `size` bytes may be written, which `grow` then adds to the end.
    char* room() { return memory_.get() + end_; }
    std::size_t room_size() const { return capacity_ - padding - end_; }
    void grow(std::size_t size) {
        end_ += size;
        pad();
    }

    void append(Bytes text) {
        if (room_size() < text.size()) reserve(begin_, end_ - begin_ + text.size());
        std::memcpy(room(), text.data(), text.size());
        grow(text.size());
    }

    /// Puts `text` before the content.
    void prepend(Bytes text) {
        if (begin_ < text.size()) reserve(text.size(), end_ - begin_);
        begin_ -= text.size();
        std::memcpy(memory_.get() + begin_, text.data(), text.size());
    }

    /// Drops the first `size` bytes of the content.
    void drop(std::size_t size) { begin_ += size; }

    /// Drops the end of the content, which keeps `size` bytes.
    void cut(std::size_t size) {
        end_ = begin_ + size;
        pad();
    }

    /// Frees the memory if it is larger than `size` bytes.
    void shrink(std::size_t size) {
        if (capacity_ > size) {
            memory_.reset();
            capacity_ = begin_ = end_ = 0;
        }
    }

    /// Everything up to the end of the content. The content begins at `begin()`.
    Bytes data() const { return {memory_.get(), end_}; }
    Bytes content() const { return {memory_.get() + begin_, end_ - begin_}; }
    std::size_t begin() const { return begin_; }

private:
    void pad() { std::memset(memory_.get() + end_, 0, padding); }

    void reserve(std::size_t before, std::size_t after) {
        Buffer larger;
        larger.reset(before, after);
        larger.append(content());
        *this = std::move(larger);
    }

    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace csvmill
