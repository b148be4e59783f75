#include "run/scratch.hpp"

#include "text/error.hpp"
#include "text/show.hpp"

namespace csvmill {

void Scratch::take(std::uint64_t bytes) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit_ || used > limit_ - bytes)
            throw AttemptFailed("out of scratch disk: the limit of a job is " +
                                with_commas(limit_) + " bytes (CSVMILL_SCRATCH_LIMIT)");
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    used += bytes;
    std::uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < used && !peak_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
    }
}

void Scratch::give(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

std::string Scratch::new_name(const char* kind) {
    return std::string(kind) + '-' + std::to_string(names_.fetch_add(1));
}

}  // namespace csvmill
