#include "groups/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace csvmill {

namespace {

constexpr std::size_t least_mapping = std::size_t{64} << 10;
constexpr std::size_t page = 4096;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t first_chunk = std::size_t{4} << 10;
/// A larger arena is on huge pages, unless its budget is small.
constexpr std::size_t small_arena = std::size_t{128} << 10;
constexpr std::size_t small_budget = std::size_t{64} << 20;

std::size_t whole_pages(std::size_t bytes) { return (bytes + page - 1) & ~(page - 1); }

std::byte* map(std::size_t bytes, int access = PROT_READ | PROT_WRITE) {
    void* data = mmap(nullptr, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    return static_cast<std::byte*>(data);
}

/// Address space for `bytes` bytes, aligned to huge pages. It has no memory yet.
std::byte* reserve_huge(std::size_t bytes) {
    std::size_t mapped = whole_pages(bytes) + huge_page - page;
    std::byte* data = map(mapped, PROT_NONE);
    std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(data)) & (huge_page - 1);
    std::size_t after = mapped - before - whole_pages(bytes);
    if (before > 0) munmap(data, before);
    if (after > 0) munmap(data + mapped - after, after);
    return data + before;
}

/// Maps `bytes` bytes, aligned to huge pages.
std::byte* map_huge(std::size_t bytes) {
    std::byte* data = reserve_huge(bytes);
    if (mprotect(data, bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    madvise(data, bytes, MADV_HUGEPAGE);
    return data;
}

}  // namespace

Pages::Pages(std::size_t bytes, bool huge) : size_(bytes), huge_(huge) {
    if (bytes >= huge_page && huge) {
        data_ = map_huge(bytes);
    } else if (bytes >= least_mapping) {
        data_ = map(bytes);
    } else if (bytes > 0) {
        data_ = static_cast<std::byte*>(std::calloc(bytes, 1));
        if (data_ == nullptr) throw std::bad_alloc();
    }
}

Pages::~Pages() {
    if (size_ >= least_mapping) {
        munmap(data_, size_);
    } else {
        std::free(data_);
    }
}

void Pages::resize(std::size_t bytes) {
    const bool becomes_huge = huge_ && size_ < huge_page && bytes >= huge_page;
    if (size_ < least_mapping || bytes < least_mapping || becomes_huge) {
        Pages moved(bytes, huge_);
        if (std::size_t both = std::min(bytes, size_)) std::memcpy(moved.data_, data_, both);
        *this = std::move(moved);
        return;
    }
    void* data = MAP_FAILED;
    if (huge_ && bytes > size_) {
        // What follows may be free; else the start must be that of a huge page again.
        data = mremap(data_, size_, bytes, 0);
        if (data == MAP_FAILED) {
            data = mremap(data_, size_, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, reserve_huge(bytes));
        }
    } else {
        data = mremap(data_, size_, bytes, MREMAP_MAYMOVE);
    }
    if (data == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(data);
    size_ = bytes;
}

void Pages::discard(std::size_t begin, std::size_t bytes) {
    const std::size_t from = whole_pages(begin);
    const std::size_t to = (begin + bytes) & ~(page - 1);
    if (size_ >= least_mapping && from < to) madvise(data_ + from, to - from, MADV_DONTNEED);
}

std::byte* Arena::allocate_chunk(std::size_t bytes) {
    // At most a third of the memory is not used yet, or a huge page of a large budget.
    chunk_size_ = size_ > small_arena && account_.budget().limit() > small_budget
                      ? huge_page
                      : std::clamp(std::bit_floor(size_ / 2), first_chunk, huge_page);
    bool own = bytes > chunk_size_ / 4;
    std::size_t size = own ? bytes : chunk_size_;
    std::byte* data = chunks_.emplace_back(Chunk{Pages(size), bytes}).pages.data();
    account_.take(size);
    size_ += size;
    if (!own) {
        if (next_ != nullptr) {
            Chunk& last = chunks_[current_];
            last.used = static_cast<std::size_t>(next_ - last.pages.data());
        }
        current_ = chunks_.size() - 1;
        next_ = data + bytes;
        end_ = data + size;
    }
    return data;
}

std::vector<std::span<std::byte>> Arena::pieces() const {
    std::vector<std::span<std::byte>> pieces;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
        std::byte* data = chunks_[i].pages.data();
        const bool current = next_ != nullptr && i == current_;
        pieces.emplace_back(data,
                            current ? static_cast<std::size_t>(next_ - data) : chunks_[i].used);
    }
    return pieces;
}

void Arena::clear() {
    chunks_.clear();
    account_.settle();
    size_ = chunk_size_ = 0;
    next_ = end_ = nullptr;
}

}  // namespace csvmill
