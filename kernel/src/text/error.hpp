/// Why an attempt ends without a result.
#pragma once

#include <stdexcept>
#include <string>

namespace csvmill {

/// The file is bad: another attempt would end in the same way. The text is the reason of the job.
class MalformedInput : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Another attempt may succeed: a limit was exceeded, the disk is full, the source ended early.
class AttemptFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A state file, or a message of the service, is not what this program writes or expects.
class StateError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What the service asks for is not possible: it needs another part of the file, or other states.
class Refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// AttemptFailed for a system call that failed with `code` (errno) while doing `what`. A full disk
/// is "the disk is full: ...".
AttemptFailed system_failure(const std::string& what, int code);

}  // namespace csvmill
