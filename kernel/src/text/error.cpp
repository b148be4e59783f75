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
    return AttemptFailed(code == ENOSPC || code == EDQUOT ? "the disk is full: " + text : text);
}

}  // namespace csvmill
