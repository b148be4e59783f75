/// Looks at all groups of a file for what is doubtful in them.
#pragma once

#include <cstdint>
#include <vector>

#include "groups/table.hpp"
#include "query/query.hpp"
#include "state/state_file.hpp"
#include "warnings/doubts.hpp"

namespace csvmill {

/// More groups than these are not compared.
inline constexpr std::size_t most_compared_groups = 250000;

/// All groups of a file: of a group there may be several, whose states are not merged yet.
struct SurveyedGroups {
    const Query& query;
    const Layout& layout;
    const std::vector<GroupTable*>& tables;
    const std::vector<StateFile>& files;
    std::uint64_t rows = 0;  ///< That were aggregated.
    std::uint64_t seed = 0;  ///< Of hashes.
};

/// Adds to `doubts` a first or last row with the name of a total, and a note below the table; and,
/// unless there are more than `most` groups, groups that look alike, groups that are called "ALL"
/// and have the sums of all others, and a first or last row that sums all others.
void survey_groups(const SurveyedGroups& groups, Doubts& doubts,
                   std::size_t most = most_compared_groups);

/// The same without groups that look alike: for one of several files, whose groups are compared
/// with those of the others when all are known.
void survey_ends(const SurveyedGroups& groups, Doubts& doubts,
                 std::size_t most = most_compared_groups);

}  // namespace csvmill
