#include <algorithm>
#include <string>

#include "groups/distinct_model.hpp"
#include "target.hpp"

namespace csvmill::fuzz {

void distinct(Bytes input) {
    const unsigned choice = take_choice(input);
    test::DistinctModel model(1 + (choice & 3U), std::size_t{1} << (12 + (choice >> 2U & 15U)));
    const std::size_t sets = 1 + (choice & 3U);
    // Few values of the input become many, so that sets become large.
    for (std::size_t left = 20'000; !input.empty() && left > 0;) {
        const unsigned place = take_choice(input);
        const std::size_t times = std::size_t{1} << (take_choice(input) % 14);
        const unsigned step = take_choice(input) % 8;
        const std::size_t size = take_choice(input) % 48;
        const Bytes start = input.substr(0, size);
        input.remove_prefix(std::min(input.size(), start.size()));
        for (std::size_t i = 0; i < times && left > 0; ++i, --left) {
            std::string value(start);
            if (i > 0) value += std::to_string(i * step);
            model.add(place % sets, place >> 4U, value);
        }
    }
    require(model.holds((choice & 64U) != 0));
}

}  // namespace csvmill::fuzz
