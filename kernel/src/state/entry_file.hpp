/// A file of sorted entries: a key and a payload each.
///
/// A file has sections, each with its own order. Entries are in blocks of about 64 KiB; the blocks
/// of different sections alternate. Within a block, an entry is: the number of bytes that its key
/// shares with the key before it, the size and bytes of the rest of the key, the size and bytes of
/// the payload. The index has the place, checksum and first key of each block. The layout of a
/// file: header, blocks, index, footer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "output/file_writer.hpp"
#include "run/scratch.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// Where a block is.
struct BlockPlace {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t entries = 0;
    std::uint64_t sum = 0;  ///< Its checksum.
    std::uint64_t key = 0;  ///< Where its first key is in `SectionIndex::keys`: up to `index_key`
                            ///< bytes, which end where those of the next one begin.
};

/// The blocks of a section.
struct SectionIndex {
    std::uint64_t entries = 0;
    std::vector<BlockPlace> blocks;
    std::string keys;

    Bytes first_key(std::size_t block) const;
};

/// The longest key in an index; of longer keys it has the first bytes.
inline constexpr std::size_t index_key = 128;

/// A finished file. Deletes the file when it is destroyed.
class EntryFile {
public:
    /// Opens a file. Throws StateError if it is damaged, or was written with another `mark` or
    /// number of sections.
    static EntryFile open(const std::string& path, std::size_t sections, std::uint64_t mark,
                          Scratch& scratch);

    /// Opens a file with any mark and number of sections, and keeps it. Throws StateError.
    static EntryFile open(const std::string& path, Scratch& scratch);

    EntryFile(EntryFile&& other) noexcept;
    EntryFile& operator=(EntryFile&& other) noexcept;
    ~EntryFile();

    void keep() { kept_ = true; }  ///< Keeps the file.
    const std::string& path() const { return path_; }
    std::uint64_t size() const { return size_; }
    std::uint64_t mark() const { return mark_; }
    const std::vector<SectionIndex>& sections() const { return sections_; }

    /// Reads `size` bytes at `offset`. Used by any thread.
    void read(std::uint64_t offset, std::uint64_t size, std::string& to) const;

private:
    friend class EntryFileWriter;
    EntryFile(std::string path, std::uint64_t mark, Scratch& scratch, std::uint64_t counted);
    void swap(EntryFile& other) noexcept;
    void parse_index(Bytes index, std::size_t count, std::uint64_t end);

    std::string path_;
    Scratch* scratch_;
    std::uint64_t counted_ = 0;  ///< Bytes that count as scratch.
    std::uint64_t size_ = 0;
    std::uint64_t mark_;
    int descriptor_ = -1;
    bool kept_ = false;
    std::vector<SectionIndex> sections_;
};

/// Writes a file of entries. If it is destroyed before `finish`, it deletes the file.
class EntryFileWriter {
public:
    static constexpr std::size_t usual_block = 64 << 10;

    /// `mark` says what the entries are; `EntryFile::open` compares it. `block` is the least size
    /// of a block.
    EntryFileWriter(std::string path, std::size_t sections, std::uint64_t mark, Scratch& scratch,
                    std::size_t block = usual_block);
    ~EntryFileWriter();

    /// Adds an entry to a section: in the order of keys.
    void add(std::size_t section, Bytes key, Bytes payload);

    EntryFile finish();

private:
    struct Section {
        std::string block;
        std::string last_key;
        std::uint64_t entries = 0;  ///< Of the block.
        SectionIndex index;
    };
    void end_block(Section& section);

    std::string path_;
    std::uint64_t mark_;
    std::size_t block_;
    Scratch& scratch_;
    FileWriter file_;
    std::uint64_t offset_ = 0;
    std::vector<Section> sections_;
    bool finished_ = false;
};

}  // namespace csvmill
