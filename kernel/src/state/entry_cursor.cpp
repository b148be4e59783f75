#include "state/entry_cursor.hpp"

#include "state/checksum.hpp"
#include "state/encoding.hpp"

namespace csvmill {

EntryCursor::EntryCursor(const EntryFile& file, std::size_t section, Bytes from)
    : file_(&file), section_(&file.sections()[section]), from_(from) {
    // The last block whose key in the index is less: equal keys may begin in it.
    const Bytes known = from.substr(0, index_key);
    std::size_t low = 0;
    std::size_t high = section_->blocks.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (section_->first_key(middle) < known) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    block_ = low > 0 ? low - 1 : 0;
}

bool EntryCursor::next() {
    if (begun_) return step();
    begun_ = true;
    while (step())
        if (Bytes(key_) >= from_) return true;
    return false;
}

bool EntryCursor::step() {
    bool first_of_block = false;
    if (left_ == 0) {
        if (at_ != text_.size()) throw StateError("a state file is damaged: a block is too long");
        if (block_ == section_->blocks.size()) return false;
        load(section_->blocks[block_++]);
        first_of_block = true;
    }
    Bytes rest = Bytes(text_).substr(at_);
    const std::uint64_t shared = take_varint(rest);
    if (shared > (first_of_block ? 0 : key_.size()))
        throw StateError("a state file is damaged: a length is too large");
    const Bytes suffix = take_bytes(rest, take_varint(rest));
    const std::size_t start = static_cast<std::size_t>(shared);
    if (!first_ && suffix < Bytes(key_).substr(start))
        throw StateError("a state file is damaged: keys are not sorted");
    key_.resize(start);
    key_ += suffix;
    payload_ = take_bytes(rest, take_varint(rest));
    at_ = text_.size() - rest.size();
    --left_;
    first_ = false;
    return true;
}

void EntryCursor::load(const BlockPlace& block) {
    file_->read(block.offset, block.size, text_);
    if (checksum(text_, file_->mark()) != block.sum)
        throw StateError("a state file is damaged: a block has another checksum");
    at_ = 0;
    left_ = block.entries;
}

}  // namespace csvmill
