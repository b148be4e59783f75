#include "run/report.hpp"

namespace csvmill {

namespace {

std::string json_of(const std::vector<Problem>& problems) {
    std::string text = "[";
    for (const Problem& problem : problems) {
        if (text.size() > 1) text += ',';
        JsonWriter json;
        json.member("line", problem.line).member("offset", problem.offset);
        if (problem.column) {
            json.member("column", *problem.column);
        } else {
            json.null("column");
        }
        if (problem.name) {
            json.member("name", Bytes(*problem.name));
        } else {
            json.null("name");
        }
        json.member("found", Bytes(problem.found)).member("expected", Bytes(problem.expected));
        if (problem.file) json.member("file", Bytes(*problem.file));
        text += json.finish();
    }
    return text + "]";
}

std::string json_of(const Doubts& doubts, bool of_inputs) {
    std::string text = "[";
    for (const auto& [key, sighting] : doubts.all()) {
        if (!is_doubtful(key.first, sighting)) continue;
        if (text.size() > 1) text += ',';
        JsonWriter json;
        json.member("kind", name_of(key.first)).member("count", sighting.count);
        json.member("others", sighting.others);
        if (sighting.line > 0) {
            json.member("line", sighting.line);
        } else {
            json.null("line");
        }
        if (sighting.column) {
            json.member("column", std::uint64_t{*sighting.column} + 1);
        } else {
            json.null("column");
        }
        json.member("example", Bytes(sighting.example));
        if (of_inputs) json.member("input", std::uint64_t{sighting.input});
        text += json.finish();
    }
    return text + "]";
}

}  // namespace

void add_report(JsonWriter& event, const Findings& found, const Problems& problems,
                bool of_inputs) {
    event.member("aggregated", found.aggregated).member("filtered", found.filtered);
    event.member("rejected", found.read ? problems.count() : 0);
    event.member("groups", found.groups).member("problem_count", problems.count());
    event.raw("problems", json_of(problems.first())).member("bytes", found.bytes);
    event.raw("warnings", json_of(found.doubts, of_inputs));
    event.member("of_several_lines", found.of_several_lines);
    event.member("passed_over", found.passed_over);
    event.member("rejects_omitted", problems.omitted());
    event.member("padded", found.padded).member("truncated", found.truncated);
    event.member("most_lines", found.most_lines).member("write_seconds", found.write_seconds);
}

}  // namespace csvmill
