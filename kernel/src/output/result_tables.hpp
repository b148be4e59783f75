/// The result of groups in memory, and of groups in state files.
#pragma once

#include <span>
#include <vector>

#include "groups/table.hpp"
#include "output/result_sink.hpp"
#include "state/state_file.hpp"
#include "warnings/kept_survey.hpp"

namespace csvmill {

/// Bytes that `write_tables` needs beside the tables.
std::size_t memory_for_tables(std::size_t threads);

/// Merges the groups of tables, and hands them on in order. `survey` looks at their values.
void write_tables(std::span<GroupTable* const> tables, const Layout& layout, std::size_t threads,
                  KeptSurvey& survey, ResultSink& sink);

/// Merges state files, and hands their groups on in order. `memory` is for all threads.
void write_files(std::vector<StateFile> files, const Layout& layout, std::size_t memory,
                 std::size_t threads, Scratch& scratch, KeptSurvey& survey, ResultSink& sink);

}  // namespace csvmill
