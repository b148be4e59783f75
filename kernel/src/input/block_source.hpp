/// The file, block by block, as UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "csv/dialect.hpp"
#include "input/buffer.hpp"
#include "input/footer.hpp"
#include "run/monitor.hpp"
#include "text/transcode.hpp"
#include "warnings/utf8_evidence.hpp"

namespace csvmill {

/// A part of the file. Its text is the content of `buffer`.
struct Block {
    std::uint64_t number = 0;  ///< From 0.
    bool last = false;         ///< Whether no block follows.
    bool final = false;        ///< Whether the file ends with it: it is the last one then.
    Buffer buffer;
};

/// Where reading ends.
struct SourceEnd {
    std::optional<std::uint64_t> limit;  ///< After so many bytes; none: at the end of the source.
    bool final = true;                   ///< Whether the file ends there.
    /// Whether it may end within a record, or within the last lines of the file.
    bool cut = false;
};

/// Reads a file or pipe once. Used by one thread at a time.
class BlockSource {
public:
    /// Room before the text of a block, for the end of the block before it.
    static constexpr std::size_t gap = std::size_t{64} << 10;

    /// `size`: the bytes that the source must have, if known. `block`: bytes that are read at a
    /// time.
    BlockSource(int descriptor, std::optional<std::uint64_t> size, const Dialect& dialect,
                std::size_t block, Progress& progress, SourceEnd end = {});

    /// Reads the next block, without the lines of a footer whose number is given. Returns false
    /// after the final one. Throws AttemptFailed, and MalformedInput for a footer that is too long.
    bool next(Block& block);

    std::uint64_t bytes() const { return bytes_; }    ///< Read so far.
    std::uint64_t blocks() const { return blocks_; }  ///< Read so far: the next one's number.
    bool ended() const { return ended_; }             ///< Whether the last one has been read.
    bool final() const { return ended_ && end_.final; }
    /// The lines of the footer that were left out, once all has been read.
    std::uint64_t footer_lines() const { return footer_lines_; }
    /// What the bytes tell of their encoding, if the file is read neither as UTF-8 nor as UTF-16.
    const Utf8Evidence& utf8() const { return utf8_; }

private:
    std::size_t fill(char* to, std::size_t size);

    int descriptor_;
    std::optional<std::uint64_t> size_;
    std::optional<Transcoder> transcoder_;
    Utf8Evidence utf8_;
    std::optional<Footer> footer_;
    std::uint64_t footer_lines_ = 0;
    std::size_t block_;
    Progress& progress_;
    SourceEnd end_;
    std::uint64_t bytes_ = 0;
    std::uint64_t blocks_ = 0;
    bool ended_ = false;
    std::string source_;
    std::string text_;
};

}  // namespace csvmill
