#include "output/parallel.hpp"

#include <algorithm>
#include <thread>
#include <vector>

namespace csvmill {

void run_on_threads(std::size_t threads, const std::function<void()>& work,
                    const std::function<void()>& failed) {
    std::mutex lock;
    std::exception_ptr error;
    const auto guarded = [&] {
        try {
            work();
        } catch (...) {
            {
                const std::lock_guard hold(lock);
                if (!error) error = std::current_exception();
            }
            failed();
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < threads; ++i) others.emplace_back(guarded);
        guarded();
    }
    if (error) std::rethrow_exception(error);
}

void for_each_task(std::size_t threads, std::size_t count,
                   const std::function<void(std::size_t)>& work) {
    Tasks tasks(count);
    run_on_threads(
        std::min(threads, count),
        [&] {
            for (std::size_t number = 0; tasks.take(number);) work(number);
        },
        [&] { tasks.stop(); });
}

}  // namespace csvmill
