#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "run/child.hpp"
#include "run/confine.hpp"
#include "run/monitor.hpp"

using namespace csvmill;

namespace {

constexpr std::uint64_t memory = std::uint64_t{64} << 20U;
constexpr std::uint64_t file_size = 1 << 20U;

bool has(const std::vector<std::string>& in_force, const char* what) {
    return std::find(in_force.begin(), in_force.end(), what) != in_force.end();
}

/// Whether this machine has `what`: tried in a child, as the rights of this process are needed.
bool machine_has(const char* what) {
    return in_child([=] { return has(confine(memory, file_size), what) ? 0 : 1; }).exit_code == 0;
}

/// A folder that is the current one of the child, beside a file that is not its own.
struct Folder {
    std::filesystem::path parent =
        std::filesystem::temp_directory_path() / ("confine-" + std::to_string(::getpid()));
    Folder() {
        std::filesystem::create_directories(parent / "own");
        std::ofstream(parent / "foreign") << "secret";
        std::ofstream(parent / "state") << "known";
    }
    ~Folder() { std::filesystem::remove_all(parent); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    Ended confined(const std::function<int()>& code,
                   const std::vector<std::string>& readable = {}) const {
        return in_child([&] {
            std::filesystem::current_path(parent / "own");
            confine(memory, file_size, readable);
            return code();
        });
    }
};

}  // namespace

TEST_CASE("a confined process works in its folder, on threads, and knows its memory") {
    const Folder folder;
    const Ended ended = folder.confined([] {
        std::ofstream("result") << "a,b\n";
        std::string read;
        std::thread([&read] { std::getline(std::ifstream("result"), read); }).join();
        std::vector<char> large(std::size_t{48} << 20U, 'x');
        const bool measured = peak_memory() > large.size() && resident_memory() > large.size();
        return read == "a,b" && measured && ::unlink("result") == 0 ? 0 : 1;
    });
    CHECK(ended.exit_code == 0);
    CHECK(ended.signal == 0);
}

TEST_CASE("a confined process opens no file of others") {
    if (!machine_has("landlock")) return;
    const Folder folder;
    const std::string parent = "/proc/" + std::to_string(::getpid());
    for (const std::string& path :
         {std::string("../foreign"), std::string("/etc/passwd"), std::string("/proc/self/environ"),
          parent + "/environ", parent + "/mem", parent + "/maps"}) {
        CAPTURE(path);
        CHECK(folder.confined([=] { return ::open(path.c_str(), O_RDONLY) < 0 ? errno : 0; })
                  .exit_code == EACCES);
    }
    const auto create = [] { return ::open("../new", O_CREAT | O_WRONLY, 0600) < 0 ? errno : 0; };
    CHECK(folder.confined(create).exit_code == EACCES);
    const auto remove = [] { return ::unlink("../foreign") < 0 ? errno : 0; };
    CHECK(folder.confined(remove).exit_code == EACCES);
    CHECK(std::filesystem::exists(folder.parent / "foreign"));
}

TEST_CASE("a confined process reads the files that it was told, and no others") {
    if (!machine_has("landlock")) return;
    const Folder folder;
    const std::vector<std::string> readable{folder.parent / "state", folder.parent / "gone"};
    const auto outcome = [&](const char* path, int flags) {
        return folder.confined([=] { return ::open(path, flags, 0600) < 0 ? errno : 0; }, readable)
            .exit_code;
    };
    CHECK(outcome("../state", O_RDONLY) == 0);
    CHECK(outcome("../state", O_RDWR) == EACCES);
    CHECK(outcome("../state", O_RDONLY | O_TRUNC) == EACCES);
    CHECK(outcome("../gone", O_RDONLY) == ENOENT);
    CHECK(outcome("../gone", O_WRONLY | O_CREAT) == EACCES);
    CHECK(outcome("../foreign", O_RDONLY) == EACCES);
    CHECK(outcome("result", O_WRONLY | O_CREAT) == 0);
}

TEST_CASE("a confined process starts no program and opens no socket") {
    if (!machine_has("seccomp")) return;
    const Folder folder;
    const std::vector<std::function<int()>> attacks{
        [] { return ::execl("/bin/true", "true", nullptr); },
        [] { return ::socket(AF_INET, SOCK_STREAM, 0); },
        [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); },
    };
    for (const auto& attack : attacks) CHECK(folder.confined(attack).signal == SIGSYS);
}

TEST_CASE("what a confined process needs no more fails") {
    if (!machine_has("seccomp")) return;
    const Folder folder;
    CHECK(folder.confined([] { return ::fork() < 0 ? errno : 0; }).exit_code == EPERM);
    CHECK(folder.confined([] { return ::kill(::getppid(), 0) < 0 ? errno : 0; }).exit_code ==
          EPERM);
    CHECK(folder.confined([] { return ::mkdir("folder", 0700) < 0 ? errno : 0; }).exit_code ==
          EPERM);
    const auto code = [] {
        const int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
        void* memory_of_code = ::mmap(nullptr, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return memory_of_code == MAP_FAILED ? errno : 0;
    };
    CHECK(folder.confined(code).exit_code == EPERM);
}

TEST_CASE("a confined process has no new privileges, and writes no large file") {
    CHECK(machine_has("no_new_privs"));
    CHECK(machine_has("rlimits"));
    const Folder folder;
    const auto too_large = [] {
        const int file = ::open("result", O_CREAT | O_WRONLY, 0600);
        return ::pwrite(file, "x", 1, file_size) < 0 ? errno : 0;
    };
    CHECK(folder.confined(too_large).exit_code == EFBIG);
}
