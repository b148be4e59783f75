/// Reading a section of a file of entries.
#pragma once

#include <string>

#include "state/entry_file.hpp"

namespace csvmill {

/// Reads the entries of a section in order. Every length is checked: files may be damaged.
class EntryCursor {
public:
    /// Begins at the first entry whose key is not less than `from`.
    EntryCursor(const EntryFile& file, std::size_t section, Bytes from);

    bool next();  ///< False at the end. Throws StateError, AttemptFailed.
    Bytes key() const { return key_; }
    Bytes payload() const { return payload_; }

private:
    bool step();
    void load(const BlockPlace& block);

    const EntryFile* file_;
    const SectionIndex* section_;
    std::size_t block_ = 0;  ///< The next one.
    std::string text_;       ///< Of the current block.
    std::size_t at_ = 0;     ///< The next entry in it.
    std::uint64_t left_ = 0;
    std::string key_;
    Bytes payload_;
    std::string from_;
    bool begun_ = false;
    bool first_ = true;
};

}  // namespace csvmill
