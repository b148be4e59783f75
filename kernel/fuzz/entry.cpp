#include "target.hpp"

// KERNEL_FUZZ_TARGET is the name of a function in target.hpp.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    csvmill::fuzz::KERNEL_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
    return 0;
}
