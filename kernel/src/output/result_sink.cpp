#include "output/result_sink.hpp"

#include <algorithm>

namespace csvmill {

namespace {

constexpr std::size_t least_memory_of_thread = 64 << 10;
constexpr std::size_t most_waiting = 64 << 20;

}  // namespace

ResultSink::ResultSink(const RowMaker& maker, Scratch& scratch, FileWriter& to, std::size_t memory,
                       std::size_t threads)
    : maker_(maker), to_(to), output_(to, maker.query().limit, std::min(memory, most_waiting)) {
    if (maker.query().order_by.empty()) return;
    for (std::size_t i = 0; i < threads; ++i)
        sorters_.emplace_back(maker.encoder(), maker.query(), scratch,
                              std::max(least_memory_of_thread, memory / threads));
}

ResultSink::Lane::Lane(ResultSink& sink) : sink_(sink) {
    const std::size_t number = sink.lanes_.fetch_add(1);
    if (!sink.sorters_.empty()) sorter_ = &sink.sorters_.at(number);
}

void ResultSink::Lane::take(Bytes key) {
    if (sorter_ != nullptr) {
        sorter_->add(row_, key);
        return;
    }
    sink_.maker_.encoder().append(rows_.text, row_);
    ++rows_.count;
    if (sink_.maker_.query().limit) rows_.ends.push_back(rows_.text.size());
}

bool ResultSink::Lane::end() {
    return sorter_ != nullptr || sink_.output_.put(range_, rows_, true);
}

std::uint64_t ResultSink::finish() {
    return sorters_.empty() ? output_.count() : RowSorter::write(sorters_, to_);
}

}  // namespace csvmill
