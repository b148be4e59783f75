/// Whether a file that is read in another encoding is in UTF-8.
#pragma once

#include <string>

#include "text/bytes.hpp"

namespace csvmill {

/// What the bytes of a file, or of a part of it, tell of their encoding.
class Utf8Evidence {
public:
    /// Looks at the next bytes. `final`: the file ends with them.
    void add(Bytes source, bool final);

    /// Adds what the part that follows tells. Both may have seen some bytes of the file.
    void append(const Utf8Evidence& next);

    /// Whether all bytes are UTF-8, and not all of them ASCII.
    bool found() const { return !refuted_ && !first_.empty(); }
    /// The first character that is not ASCII.
    Bytes first() const { return first_; }

    /// Appends it for a state file; `read` removes it from `from`. Throws StateError.
    void write(std::string& to) const;
    static Utf8Evidence read(Bytes& from);

private:
    void complete(Bytes& source);

    bool refuted_ = false;
    std::string first_;
    std::string pending_;  ///< Bytes of a character that may continue.
};

}  // namespace csvmill
