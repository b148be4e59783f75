/// All blocks of the file, on several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "csv/block_indexer.hpp"
#include "input/block_source.hpp"
#include "input/chain.hpp"
#include "output/problems.hpp"
#include "pipeline/bad_rows.hpp"
#include "pipeline/header.hpp"
#include "pipeline/row_feeder.hpp"

namespace csvmill {

/// What the threads read, and what they may use.
struct PipelineInput {
    const FeedContext& context;
    BlockSource& source;
    Header header;
    Problems& problems;
    Progress& progress;
    std::size_t threads = 1;
    std::size_t memory = 0;  ///< Bytes for the groups of all threads.
    bool vectors = true;
};

/// Reads all records below the header, and aggregates them. Threads take blocks in order.
///
/// A thread indexes its block at once, from a line end on, as if a record began there. Then it
/// waits for the end of the block before, which confirms or refutes that; a refuted block is
/// indexed again. So the records do not depend on the size of blocks or the number of threads.
class Pipeline {
public:
    explicit Pipeline(PipelineInput input);
    ~Pipeline();

    /// Throws AttemptFailed.
    void run();

    /// After `run`: the link to what follows. Its tail is what the end of the source cuts off.
    Link rest() { return chain_.take(handed_); }

    /// Reads that tail, for which it looks at what follows in the file, `ahead`. Returns the link
    /// to what follows: its offset is beyond the end of the tail if that is within a record.
    Link read_tail(Link tail, BlockSource& ahead);

    RowCounts counts() const;
    Doubts doubts() const;
    std::vector<GroupTable*> tables();
    std::vector<StateFile> take_spilled();

private:
    class Worker;

    bool next(Block& block);
    void stop(std::exception_ptr error);

    PipelineInput input_;
    ProblemMaker maker_;
    Chain chain_;
    Turns turns_;
    std::uint64_t first_;   ///< The number of the first block.
    std::uint64_t handed_;  ///< That of the next one.
    bool whole_read_;       ///< Whether the file had been read to its end with the header.
    std::mutex source_mutex_;
    std::mutex error_mutex_;
    std::exception_ptr error_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace csvmill
