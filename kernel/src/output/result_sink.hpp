/// Where the rows of groups go: to the file in the order of groups, or to be sorted.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "output/ordered_output.hpp"
#include "output/ordering.hpp"
#include "output/row_maker.hpp"

namespace csvmill {

/// Takes the groups of ranges of keys from several threads, each through a lane of its own.
class ResultSink {
public:
    /// `memory`: bytes for rows that wait or are sorted.
    ResultSink(const RowMaker& maker, Scratch& scratch, FileWriter& to, std::size_t memory,
               std::size_t threads);

    /// Takes the groups of one range after another, from one thread.
    class Lane {
    public:
        explicit Lane(ResultSink& sink);

        void begin(std::size_t range) { range_ = range; }

        /// Adds a group. Returns false if no more rows are needed.
        template <Finisher Finish>
        bool add(Bytes key, const Finish& finish) {
            const RowMaker& maker = sink_.maker_;
            if (sorter_ == nullptr && maker.direct()) {
                maker.append(rows_, key, finish);
            } else if (maker.make(row_, key, finish)) {
                take(key);
            }
            return rows_.text.size() < piece || sink_.output_.put(range_, rows_, false);
        }

        /// Ends the range. Returns false if no more rows are needed.
        bool end();

    private:
        void take(Bytes key);

        ResultSink& sink_;
        RowSorter* sorter_ = nullptr;
        std::size_t range_ = 0;
        Rows rows_;
        Row row_;
    };

    void fail() { output_.fail(); }

    /// Writes rows that were sorted. Returns the number of rows.
    std::uint64_t finish();

private:
    /// Bytes of rows that are handed on at once.
    static constexpr std::size_t piece = 1 << 20;

    const RowMaker& maker_;
    FileWriter& to_;
    OrderedOutput output_;
    std::vector<RowSorter> sorters_;
    std::atomic<std::size_t> lanes_ = 0;
};

}  // namespace csvmill
