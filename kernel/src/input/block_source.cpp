#include "input/block_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "text/error.hpp"

namespace csvmill {

namespace {

/// Bytes that a pipe holds, so that who writes seldom waits. In more, they would leave the cache.
constexpr int pipe_size = 256 << 10;

/// Enlarges a pipe, if the system allows it. Nothing happens to other descriptors.
void enlarge_pipe(int descriptor) {
    const int size = ::fcntl(descriptor, F_GETPIPE_SZ);
    if (size > 0 && size < pipe_size) ::fcntl(descriptor, F_SETPIPE_SZ, pipe_size);
}

}  // namespace

BlockSource::BlockSource(int descriptor, std::optional<std::uint64_t> size, const Dialect& dialect,
                         std::size_t block, Progress& progress, SourceEnd end)
    : descriptor_(descriptor), size_(size), block_(block), progress_(progress), end_(end) {
    if (dialect.encoding != Encoding::utf_8) transcoder_.emplace(dialect.encoding);
    if (dialect.footer_lines > 0 && (end.final || end.cut)) footer_.emplace(dialect);
    enlarge_pipe(descriptor);
}

bool BlockSource::next(Block& block) {
    if (ended_) return false;
    if (transcoder_) {
        source_.resize(block_);
        const std::size_t size = fill(source_.data(), block_);
        text_.clear();
        const Bytes source = Bytes(source_).substr(0, size);
        if (transcoder_->has_bytes_of_ascii()) utf8_.add(source, final());
        transcoder_->append(source, final(), text_);
        block.buffer.reset(gap, text_.size());
        block.buffer.append(text_);
    } else {
        block.buffer.reset(gap, block_);
        block.buffer.grow(fill(block.buffer.room(), block_));
    }
    if (ended_ && size_ && bytes_ != *size_) {
        throw AttemptFailed("the source ended after " + std::to_string(bytes_) + " of " +
                            std::to_string(*size_) + " bytes");
    }
    if (footer_) {
        footer_->hold(block.buffer);
        if (final()) footer_lines_ = footer_->finish();
    }
    block.number = blocks_++;
    block.last = ended_;
    block.final = final();
    return true;
}

std::size_t BlockSource::fill(char* to, std::size_t size) {
    bool rest = false;
    if (end_.limit) {
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, *end_.limit - bytes_));
        rest = bytes_ + size == *end_.limit;
    }
    std::size_t filled = 0;
    while (filled < size && !ended_) {
        const ssize_t found = ::read(descriptor_, to + filled, size - filled);
        if (found < 0) {
            if (errno == EINTR) continue;
            throw system_failure("the source could not be read", errno);
        }
        filled += static_cast<std::size_t>(found);
        ended_ = found == 0;
    }
    ended_ = ended_ || rest;
    bytes_ += filled;
    progress_.bytes = bytes_;
    return filled;
}

}  // namespace csvmill
