/// Whether the kernel looks for what is doubtful.
#pragma once

namespace csvmill {

#ifdef CSVMILL_WITHOUT_WARNINGS
/// Off in a program that `benchmarks.warnings` builds to measure what warnings cost.
constexpr bool warnings_enabled = false;
#else
constexpr bool warnings_enabled = true;
#endif

}  // namespace csvmill
