#include "state/entry_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "state/checksum.hpp"
#include "state/encoding.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

constexpr std::uint64_t magic = 0x315453'4C4D5643;  // "CVMLST1" in the order of bytes on x86-64.
constexpr std::uint64_t file_version = 1;
constexpr std::uint64_t header_size = 32;  // magic, version, sections, mark
constexpr std::uint64_t footer_size =
    24;  // size of the index, its checksum, checksum of the footer

[[noreturn]] void damaged(const std::string& what) {
    throw StateError("a state file is damaged: " + what);
}

std::string header_of(std::size_t sections, std::uint64_t mark) {
    std::string header;
    for (const std::uint64_t word : {magic, file_version, std::uint64_t{sections}, mark})
        append_word(header, word);
    return header;
}

}  // namespace

Bytes SectionIndex::first_key(std::size_t block) const {
    const std::size_t from = blocks[block].key;
    const std::size_t to = block + 1 < blocks.size() ? blocks[block + 1].key : keys.size();
    return Bytes(keys).substr(from, to - from);
}

EntryFile::EntryFile(std::string path, std::uint64_t mark, Scratch& scratch, std::uint64_t counted)
    : path_(std::move(path)),
      scratch_(&scratch),
      counted_(counted),
      mark_(mark),
      descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw system_failure("opening " + path_, errno);
}

EntryFile::EntryFile(EntryFile&& other) noexcept
    : scratch_(other.scratch_), mark_(other.mark_), kept_(true) {
    swap(other);
}

EntryFile& EntryFile::operator=(EntryFile&& other) noexcept {
    swap(other);
    return *this;
}

EntryFile::~EntryFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (kept_) return;
    ::unlink(path_.c_str());
    scratch_->give(counted_);
}

void EntryFile::swap(EntryFile& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(scratch_, other.scratch_);
    std::swap(counted_, other.counted_);
    std::swap(size_, other.size_);
    std::swap(mark_, other.mark_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(kept_, other.kept_);
    std::swap(sections_, other.sections_);
}

void EntryFile::read(std::uint64_t offset, std::uint64_t size, std::string& to) const {
    to.resize(static_cast<std::size_t>(size));
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t got =
            ::pread(descriptor_, to.data() + done, std::min(to.size() - done, std::size_t{1} << 30),
                    static_cast<off_t>(offset + done));
        if (got > 0) {
            done += static_cast<std::size_t>(got);
        } else if (got == 0) {
            damaged("it is cut off");
        } else if (errno != EINTR) {
            throw system_failure("reading " + path_, errno);
        }
    }
}

EntryFile EntryFile::open(const std::string& path, std::size_t sections, std::uint64_t mark,
                          Scratch& scratch) {
    EntryFile file = open(path, scratch);
    if (file.sections_.size() != sections || file.mark_ != mark)
        throw StateError("a state file was written for another aggregation");
    file.kept_ = false;
    return file;
}

EntryFile EntryFile::open(const std::string& path, Scratch& scratch) {
    EntryFile file(path, 0, scratch, 0);
    file.kept_ = true;
    struct stat status{};
    if (::fstat(file.descriptor_, &status) != 0) throw system_failure("reading " + path, errno);
    if (!S_ISREG(status.st_mode)) throw StateError("a state file is not a file");
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    if (file.size_ < header_size + footer_size) damaged("it is cut off");

    std::string text;
    file.read(0, header_size, text);
    Bytes header = text;
    if (take_word(header) != magic) throw StateError("this is not a state file");
    if (take_word(header) != file_version)
        throw StateError("a state file was written by another version");
    const std::uint64_t sections = take_word(header);
    file.mark_ = take_word(header);

    file.read(file.size_ - footer_size, footer_size, text);
    Bytes footer = text;
    const std::uint64_t sum = checksum(footer.substr(0, footer_size - 8));
    const std::uint64_t index_size = take_word(footer);
    const std::uint64_t index_sum = take_word(footer);
    if (take_word(footer) != sum) damaged("its end has another checksum");
    if (index_size > file.size_ - header_size - footer_size) damaged("a length is too large");
    const std::uint64_t end = file.size_ - footer_size - index_size;
    std::string index;
    file.read(end, index_size, index);
    // A section has one byte or more in the index.
    if (sections > index_size) damaged("it has too many sections");
    if (checksum(index, file.mark_) != index_sum) damaged("its index has another checksum");
    file.parse_index(index, static_cast<std::size_t>(sections), end);
    return file;
}

void EntryFile::parse_index(Bytes index, std::size_t count, std::uint64_t end) {
    for (std::size_t i = 0; i < count; ++i) {
        SectionIndex& section = sections_.emplace_back();
        for (std::uint64_t left = take_varint(index); left > 0; --left) {
            BlockPlace block;
            block.offset = take_varint(index);
            block.size = take_varint(index);
            block.entries = take_varint(index);
            block.sum = take_word(index);
            block.key = section.keys.size();
            section.keys += take_bytes(index, take_varint(index));
            if (block.offset < header_size || block.offset > end || block.size > end - block.offset)
                damaged("a block is outside of it");
            // An entry has three bytes or more.
            if (block.entries == 0 || block.entries > block.size / 3) damaged("a count is wrong");
            section.entries += block.entries;
            section.blocks.push_back(block);
        }
    }
    if (!index.empty()) damaged("its index is too long");
}

EntryFileWriter::EntryFileWriter(std::string path, std::size_t sections, std::uint64_t mark,
                                 Scratch& scratch, std::size_t block)
    : path_(std::move(path)),
      mark_(mark),
      block_(block),
      scratch_(scratch),
      file_(path_, scratch),
      sections_(sections) {
    const std::string header = header_of(sections, mark);
    file_.write(header);
    offset_ = header.size();
}

EntryFileWriter::~EntryFileWriter() {
    if (finished_) return;
    ::unlink(path_.c_str());
    scratch_.give(file_.size());
}

void EntryFileWriter::add(std::size_t number, Bytes key, Bytes payload) {
    Section& section = sections_[number];
    std::string& last = section.last_key;
    std::size_t shared = 0;
    if (section.entries == 0) {
        SectionIndex& index = section.index;
        index.blocks.push_back({.key = index.keys.size()});
        index.keys += key.substr(0, index_key);
    } else {
        const std::size_t most = std::min(key.size(), last.size());
        while (shared < most && key[shared] == last[shared]) ++shared;
    }
    append_varint(section.block, shared);
    append_varint(section.block, key.size() - shared);
    section.block += key.substr(shared);
    append_varint(section.block, payload.size());
    section.block += payload;
    last.resize(shared);
    last += key.substr(shared);
    ++section.entries;
    if (section.block.size() >= block_) end_block(section);
}

void EntryFileWriter::end_block(Section& section) {
    BlockPlace& place = section.index.blocks.back();
    place.offset = offset_;
    place.size = section.block.size();
    place.entries = std::exchange(section.entries, 0);
    place.sum = checksum(section.block, mark_);
    file_.write(section.block);
    offset_ += section.block.size();
    section.block.clear();
    section.index.entries += place.entries;
}

EntryFile EntryFileWriter::finish() {
    std::string index;
    for (Section& section : sections_) {
        if (section.entries > 0) end_block(section);
        append_varint(index, section.index.blocks.size());
        for (std::size_t i = 0; i < section.index.blocks.size(); ++i) {
            const BlockPlace& block = section.index.blocks[i];
            append_varint(index, block.offset);
            append_varint(index, block.size);
            append_varint(index, block.entries);
            append_word(index, block.sum);
            const Bytes key = section.index.first_key(i);
            append_varint(index, key.size());
            index += key;
        }
    }
    std::string footer;
    append_word(footer, index.size());
    append_word(footer, checksum(index, mark_));
    append_word(footer, checksum(footer));
    file_.write(index);
    file_.write(footer);
    file_.finish();
    EntryFile file(path_, mark_, scratch_, file_.size());
    finished_ = true;
    file.size_ = file_.size();
    for (Section& section : sections_) file.sections_.push_back(std::move(section.index));
    return file;
}

}  // namespace csvmill
