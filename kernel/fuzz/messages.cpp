#include "run/json.hpp"
#include "run/task.hpp"
#include "target.hpp"
#include "text/error.hpp"
#include "text/utf8.hpp"

namespace csvmill::fuzz {

namespace {

template <class Read>
void try_to(Read read) {
    try {
        read();
    } catch (const StateError&) {
        // The outcome of most inputs.
    }
}

}  // namespace

void messages(Bytes input) {
    try_to([&] { static_cast<void>(Task::parse(input)); });
    try_to([&] { static_cast<void>(parse_query(Json::parse(input))); });
    std::string text;
    append_json_string(text, input);
    require(is_utf8(text) && text.find('\n') == std::string::npos);
    const Json read = Json::parse(text);  // It is always valid.
    if (is_utf8(input)) require(read.string() == input);
}

}  // namespace csvmill::fuzz
