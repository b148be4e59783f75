#include <doctest/doctest.h>

#include <cerrno>
#include <string>

#include "text/error.hpp"

using namespace csvmill;

TEST_CASE("a failure of the system is worded as Python words an OSError") {
    CHECK(std::string(system_failure("", EIO).what()) == "[Errno 5] Input/output error");
    CHECK(std::string(system_failure("creating result", EACCES).what()) ==
          "[Errno 13] Permission denied: 'creating result'");
}

TEST_CASE("a failure because of space or quota says that the disk is full") {
    CHECK(std::string(system_failure("", ENOSPC).what()) ==
          "the disk is full: [Errno 28] No space left on device");
    CHECK(std::string(system_failure("", EDQUOT).what()).starts_with("the disk is full: "));
}
