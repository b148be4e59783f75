#include "run/parse_pattern.hpp"

#include "run/message_values.hpp"

namespace csvmill {

namespace {

using Op = Pattern::Op;
using Anchor = Pattern::Anchor;

constexpr std::array ops{
    Names<Op>{"characters", Op::characters},
    Names<Op>{"split", Op::split},
    Names<Op>{"jump", Op::jump},
    Names<Op>{"save", Op::save},
    Names<Op>{"assert", Op::assertion},
    Names<Op>{"accept", Op::accept},
};
constexpr std::array anchors{
    Names<Anchor>{"begin", Anchor::begin},
    Names<Anchor>{"end", Anchor::end},
    Names<Anchor>{"word", Anchor::word},
    Names<Anchor>{"no_word", Anchor::no_word},
};
constexpr std::uint64_t last_character = 0x10FFFF;

Pattern::Step parse_step(const Json& json) {
    Pattern::Step step;
    step.op = named(json["op"], ops);
    switch (step.op) {
        case Op::characters:
            for (const Json& range : json["ranges"].array()) {
                const Json::Array& ends = range.array();
                if (ends.size() != 2) throw StateError("a range of a pattern has no two ends");
                step.ranges.emplace_back(
                    static_cast<char32_t>(number_in(ends[0], 0, last_character)),
                    static_cast<char32_t>(number_in(ends[1], 0, last_character)));
            }
            break;
        case Op::split:
            step.second = position(json["second"]);
            [[fallthrough]];
        case Op::jump:
            step.first = position(json["first"]);
            break;
        case Op::save:
            step.end = json["end"].boolean();
            break;
        case Op::assertion:
            step.anchor = named(json["anchor"], anchors);
            break;
        case Op::accept:
            break;
    }
    return step;
}

}  // namespace

std::shared_ptr<const Pattern> parse_pattern(const Json& json) {
    std::vector<Pattern::Step> steps;
    for (const Json& each : json.array()) steps.push_back(parse_step(each));
    return std::make_shared<const Pattern>(std::move(steps));
}

}  // namespace csvmill
