#include "output/file_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "text/error.hpp"

namespace csvmill {

namespace {

constexpr std::size_t buffer_size = 128 << 10;
/// Linux writes at most about 2 GiB in a call.
constexpr std::size_t most_at_once = 1 << 30;
/// Bytes that are sent to the disk at once.
constexpr std::uint64_t window = 8 << 20;
/// Windows that may be on their way to the disk.
constexpr std::uint64_t windows = 4;

/// Begins to send a window to the disk, or waits until it is there.
void sync_window(int descriptor, std::uint64_t offset, unsigned int how) {
    const int failed =
        ::sync_file_range(descriptor, static_cast<off_t>(offset), static_cast<off_t>(window), how);
    // Not every file system can. What it cannot do is not needed.
    if (failed != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        throw system_failure("writing a file", errno);
}

}  // namespace

FileWriter::FileWriter(const std::string& path, Scratch& scratch)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)),
      scratch_(scratch) {
    if (descriptor_ < 0) throw system_failure("creating " + path, errno);
}

FileWriter::~FileWriter() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWriter::write(Bytes data) {
    if (pending_.size() + data.size() >= buffer_size) {
        flush(pending_);
        pending_.clear();
        if (data.size() >= buffer_size) {
            flush(data);
            return;
        }
    }
    pending_.append(data);
}

void FileWriter::finish() {
    if (descriptor_ < 0) return;
    flush(pending_);
    pending_ = {};
    const int descriptor = std::exchange(descriptor_, -1);
    // Some file systems report a full disk or a broken device only now.
    if (::close(descriptor) != 0 && errno != EINTR) throw system_failure("closing a file", errno);
}

void FileWriter::flush(Bytes data) {
    if (data.empty()) return;
    scratch_.take(data.size());
    size_ += data.size();
    while (!data.empty()) {
        const ssize_t written =
            ::write(descriptor_, data.data(), std::min(data.size(), most_at_once));
        if (written >= 0) {
            data.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            throw system_failure("writing a file", errno);
        }
    }
    write_back();
}

void FileWriter::write_back() {
    for (; size_ - started_ >= window; started_ += window) {
        sync_window(descriptor_, started_, SYNC_FILE_RANGE_WRITE);
        if (started_ >= windows * window)
            sync_window(
                descriptor_, started_ - windows * window,
                SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
}

}  // namespace csvmill
