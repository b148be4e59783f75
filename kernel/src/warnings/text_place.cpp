#include "warnings/text_place.hpp"

#include <algorithm>

namespace csvmill {

std::uint64_t TextPlace::line_of(std::uint32_t start, char newline) const {
    const Bytes before = data.substr(begin, start - begin);
    return line + static_cast<std::uint64_t>(std::ranges::count(before, newline));
}

bool see(Sighting& sighting, std::uint32_t start, const TextPlace& place, char newline) {
    if (sighting.count++ > 0) return false;
    sighting.position = place.position + start;
    sighting.line = place.line_of(start, newline);
    return true;
}

}  // namespace csvmill
