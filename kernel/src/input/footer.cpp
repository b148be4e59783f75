#include "input/footer.hpp"

#include <algorithm>

#include "text/error.hpp"

namespace csvmill {
namespace {

/// Where the last `lines` lines begin; 0 if the text does not have more.
std::size_t begin_of_last(Bytes text, std::uint64_t lines, char newline) {
    std::size_t at = text.size() - (text.ends_with(newline) ? 1 : 0);
    for (; lines > 0; --lines) {
        at = at == 0 ? Bytes::npos : text.rfind(newline, at - 1);
        if (at == Bytes::npos) return 0;
    }
    return at + 1;
}

}  // namespace

void Footer::hold(Buffer& block) {
    block.prepend(held_);
    const Bytes text = block.content();
    const std::size_t begin = begin_of_last(text, lines_, newline_);
    const std::size_t cut = std::max(begin, text.size() - std::min(text.size(), limit));
    whole_ = cut == begin && (whole_ || begin > 0);
    held_ = text.substr(cut);
    block.cut(cut);
}

std::uint64_t Footer::finish() const {
    if (!whole_) {
        throw MalformedInput("the last " + std::to_string(lines_) +
                             " lines, which input.skip_footer passes over, have more than " +
                             std::to_string(limit >> 20U) +
                             " MiB: send fewer, or the text with which the first one begins");
    }
    return line_count(held_, newline_);
}

std::uint64_t line_count(Bytes text, char newline) {
    const auto ends = static_cast<std::uint64_t>(std::ranges::count(text, newline));
    return ends + (!text.empty() && !text.ends_with(newline) ? 1 : 0);
}

}  // namespace csvmill
