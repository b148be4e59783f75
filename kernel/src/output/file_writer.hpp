/// A file that is written from start to end.
#pragma once

#include <cstdint>
#include <string>

#include "run/scratch.hpp"
#include "text/bytes.hpp"

namespace csvmill {

/// Writes to a descriptor in large pieces. Throws AttemptFailed.
///
/// The bytes go to the disk as they are written, so that few of them are left in the page cache:
/// on many file systems, a sync of any other file waits for those.
class FileWriter {
public:
    /// Creates `path`, which must not exist. Its bytes count as scratch.
    FileWriter(const std::string& path, Scratch& scratch);
    ~FileWriter();
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    void write(Bytes data);
    /// Writes what is left and closes the file.
    void finish();
    /// Bytes written so far, without those in the buffer: all after `finish`.
    std::uint64_t size() const { return size_; }

private:
    void flush(Bytes data);
    void write_back();

    int descriptor_ = -1;
    Scratch& scratch_;
    std::string pending_;
    std::uint64_t size_ = 0;
    std::uint64_t started_ = 0;  ///< Bytes whose way to the disk has begun.
};

}  // namespace csvmill
