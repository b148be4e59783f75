/// Merging the states of the parts of a file.
#pragma once

#include "run/attempt.hpp"

namespace csvmill {

/// `merge`: states of all parts, and the result. `gather`: states of neighbouring parts, and the
/// state of these parts together.
class MergeAttempt : public Attempt {
public:
    using Attempt::Attempt;

private:
    void work() override;
    void merge();
};

}  // namespace csvmill
