/// The states of the parts of a file, or of several files, in their order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "state/part_state.hpp"

namespace csvmill {

/// Reads the accounts of states, in any order, and checks that they fit together.
class Parts {
public:
    /// Throws Refused if a state is damaged, if states are of different jobs, or if their ranges
    /// leave out bytes between them or overlap; or if states of several files, each of which has
    /// whole files, leave out files or overlap. `of_inputs`: whether they are of several files.
    Parts(const std::vector<std::string>& paths, Scratch& scratch, bool of_inputs = false);

    /// Throws Refused if the parts are not all of the file, which has `size` bytes if that is
    /// known.
    void check_whole(std::optional<std::uint64_t> size) const;

    /// Throws Refused if the states are not those of all `inputs` files.
    void check_inputs(std::size_t inputs) const;

    const PartAccount& total() const { return total_; }  ///< Of all parts as one.
    std::uint64_t mark() const { return mark_; }

    /// Calls `take` with each bad record that is kept, in the order of the file, until it returns
    /// false. Lines are counted from the start of the first part, or of each file. After those of
    /// each part, calls `omitted` with the number of those that it did not keep for want of space.
    /// Throws Refused.
    void each_problem(const std::function<bool(KeptProblem)>& take,
                      const std::function<void(std::uint64_t)>& omitted) const;

    /// Opens the groups of all parts. Merges some of them first if there are many: `memory` is for
    /// that. Throws Refused.
    std::vector<StateFile> groups(const Layout& layout, std::size_t memory) const;

private:
    struct Part {
        std::string path;
        std::uint64_t begin;
        std::uint64_t end;
        std::uint64_t lines;
        std::uint64_t first_input;
        std::uint64_t last_input;
    };
    void check_order() const;
    void check_order_of_inputs() const;

    Scratch& scratch_;
    bool of_inputs_;
    std::vector<Part> parts_;
    PartAccount total_;
    std::uint64_t mark_ = 0;
    std::size_t of_table_ = 0;  ///< The first parts, which are not below the table.
};

}  // namespace csvmill
