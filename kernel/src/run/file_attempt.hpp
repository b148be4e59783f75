/// Reading a file, or a part of one.
#pragma once

#include "csv/record_reader.hpp"
#include "input/block_source.hpp"
#include "pipeline/pipeline.hpp"
#include "run/attempt.hpp"

namespace csvmill {

/// `run`: a file and its result. `partial`: a part of a file and its state.
class FileAttempt : public Attempt {
public:
    explicit FileAttempt(const Assignment& assignment);

private:
    void work() override;
    Header header();
    void aggregate(Header begin, const Query& query);
    void conclude(PartAccount& account, const Query& query, const Layout& layout,
                  const std::vector<GroupTable*>& tables,
                  const std::vector<StateFile>& spilled) const;
    PartAccount account_of(const Link& rest) const;
    Link rest_of(Pipeline& pipeline);
    std::size_t group_memory() const;

    int descriptor_;
    RecordReader reader_;
    BlockSource source_;
};

}  // namespace csvmill
