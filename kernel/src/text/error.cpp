#include "text/error.hpp"

#include <cerrno>
#include <system_error>

#include "text/show.hpp"

namespace csvmill {

AttemptFailed system_failure(const std::string& what, int code) {
    // As Python words an OSError.
    std::string text =
        "[Errno " + std::to_string(code) + "] " + std::generic_category().message(code);
    if (!what.empty()) text += ": " + repr(what);
    const bool full = code == ENOSPC || code == EDQUOT;
    return AttemptFailed{full ? "the disk is full: " + text : text};
}

}  // namespace csvmill
