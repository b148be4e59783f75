/// kernel-fuzz-replay CORPUS: calls each target with the files in its folder of the corpus.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "target.hpp"

namespace {

std::string current;  ///< The input that is replayed.

void tell(int signal) {
    std::fprintf(stderr, "failed for %s\n", current.c_str());
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

}  // namespace

int main(int count, char** arguments) {
    using namespace csvmill;
    constexpr std::pair<const char*, void (*)(Bytes)> targets[] = {
        {"messages", fuzz::messages}, {"records", fuzz::records}, {"cells", fuzz::cells},
        {"texts", fuzz::texts},       {"states", fuzz::states},   {"distinct", fuzz::distinct},
    };
    if (count != 2) return 2;
    for (const int signal : {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGBUS}) std::signal(signal, tell);
    std::size_t files = 0;
    for (const auto& [name, target] : targets) {
        for (const auto& entry :
             std::filesystem::directory_iterator(std::filesystem::path(arguments[1]) / name)) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string input(std::istreambuf_iterator<char>(file), {});
            current = entry.path();
            target(input);
            ++files;
        }
    }
    std::printf("Replayed %zu inputs of the fuzzing targets.\n", files);
    return files > 0 ? 0 : 1;
}
