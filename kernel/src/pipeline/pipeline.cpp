#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <exception>
#include <thread>

#include "text/transcode.hpp"

namespace csvmill {
namespace {

/// Text beyond this size is indexed in parts, so that an index stays small.
constexpr std::size_t max_part = std::size_t{4} << 20;

/// The number of fields of a record.
std::uint32_t width_of(const PipelineInput& input) {
    const std::size_t trailing = input.context.reader.dialect().trailing_delimiters ? 1 : 0;
    return static_cast<std::uint32_t>(input.header.names.size() + trailing);
}

}  // namespace

/// One thread.
class Pipeline::Worker {
public:
    Worker(Pipeline& pipeline, std::size_t memory)
        : pipeline_(pipeline),
          reader_(pipeline.input_.context.reader),
          indexer_(reader_,
                   KeptFields(width_of(pipeline.input_),
                              used_columns(pipeline.input_.context.query,
                                           pipeline.input_.header.names.size())),
                   pipeline.input_.vectors),
          feeder(pipeline.input_.context, pipeline.input_.header.names, memory) {}

    void run() {
        try {
            while (pipeline_.next(block_)) work();
        } catch (const Stopped&) {
            return;  // another thread has failed
        } catch (...) {
            pipeline_.stop(std::current_exception());
        }
    }

    Link read_tail(Link link, BlockSource& ahead) {
        link_ = std::move(link);
        Buffer& text = block_.buffer;
        text.reset(0, link_.tail.size());
        text.append(link_.tail);
        const std::size_t stop = link_.tail.size();
        Block next;
        while (true) {
            index_.clear(0);
            indexer_.index_plain(text.data(), 0, stop, ahead.final(), index_.add());
            index_.end_part();
            // Twice as much, so that a long record is not read too often.
            const std::size_t wanted = 2 * text.data().size();
            if (index_.end() >= stop || index_.footer() || ahead.ended()) break;
            while (text.data().size() < wanted && ahead.next(next)) {
                text.append(next.buffer.content());
            }
        }
        // Of a footer, only what is in the part.
        const Bytes read = index_.footer() ? text.data().substr(0, stop) : text.data();
        Link rest = next_link(read, 0, index_.line_ends(), link_.above, false);
        rest.tail.clear();
        bad_.clear();
        feed_all(text.data(), 0, link_.line, link_.above);
        pipeline_.maker_.report(bad_, text.data(), ahead.final(), {0, link_.line, link_.offset},
                                pipeline_.input_.problems);
        return rest;
    }

private:
    void work() {
        bad_.clear();
        const std::size_t begin = block_.buffer.begin();
        const std::size_t guess = guessed_begin();
        if (guess != Bytes::npos) {
            indexer_.index(block_.buffer.data(), guess, block_.final, index_);
        }
        link_ = pipeline_.chain_.take(block_.number);
        if (link_.footer) {
            pass_over_block();
            return;
        }
        if (link_.dropping && !drop_line()) return;
        if (!block_.last && link_.collect(block_.buffer.content())) {
            give(std::move(link_));
            pipeline_.turns_.done(block_.number);
            return;
        }
        block_.buffer.prepend(link_.tail);
        if (block_.buffer.begin() + link_.tail.size() == begin && confirms(guess)) {
            work_confirmed();
        } else {
            work_refuted();
        }
        pipeline_.turns_.done(block_.number);
        block_.buffer.shrink(4 * max_part);
    }

    /// Where a record probably begins.
    std::size_t guessed_begin() {
        if (block_.number == pipeline_.first_) return Bytes::npos;
        return indexer_.guess_begin(block_.buffer.data(), block_.buffer.begin(), head_);
    }

    /// Drops the rest of a line that is too long. Returns whether the block has more.
    bool drop_line() {
        const Bytes content = block_.buffer.content();
        const std::size_t end = content.find(reader_.dialect().newline());
        const Bytes dropped = content.substr(0, end == Bytes::npos ? end : end + 1);
        link_.line += end == Bytes::npos ? 0 : 1;
        link_.offset += source_length(dropped, reader_.dialect().encoding);
        link_.position += dropped.size();
        link_.dropping = end == Bytes::npos;
        block_.buffer.drop(dropped.size());
        if (!link_.dropping) return true;
        give(std::move(link_));
        pipeline_.turns_.done(block_.number);
        return false;
    }

    /// Whether a record begins at `guess`: all text before it is whole records.
    bool confirms(std::size_t guess) {
        if (guess == Bytes::npos) return false;
        indexer_.index_plain(block_.buffer.data().substr(0, guess), block_.buffer.begin(), guess,
                             false, head_);
        return head_.end == guess && !head_.dropping && !head_.footer;
    }

    void work_confirmed() {
        const Bytes data = block_.buffer.data();
        const std::size_t begin = block_.buffer.begin();
        const std::uint64_t lines = head_.line_ends + index_.line_ends();
        const Above above = head_.above_next(link_.above);
        give(next_link(data, begin, lines, above, block_.final));
        feed(head_, data, begin, link_.line, link_.above);
        feed_all(data, begin, link_.line + head_.line_ends, above);
        report(data, {begin, link_.line, link_.offset});
    }

    void work_refuted() {
        const Bytes data = block_.buffer.data();
        std::size_t begin = block_.buffer.begin();
        if (data.size() - begin <= max_part) {
            indexer_.index(data, begin, block_.final, index_);
            give(next_link(data, begin, index_.line_ends(), link_.above, block_.final));
            feed_all(data, begin, link_.line, link_.above);
            report(data, {begin, link_.line, link_.offset});
            return;
        }
        std::size_t size = max_part;
        while (true) {
            const Bytes part = data.substr(0, begin + size);
            bool all = part.size() == data.size();
            indexer_.index(part, begin, block_.final && all, index_);
            all |= index_.footer();
            if (index_.end() == begin && !all) {
                size *= 2;
                continue;
            }
            // Not all of a record that is too long is known yet.
            if (index_.dropping() && !all) {
                size = data.size();
                continue;
            }
            Link next =
                next_link(all ? data : part, begin, index_.line_ends(), link_.above, block_.final);
            feed_all(part, begin, link_.line, link_.above);
            report(part, {begin, link_.line, link_.offset});
            bad_.clear();
            begin = index_.end();
            if (all) {
                give(std::move(next));
                return;
            }
            next.tail.clear();
            link_ = std::move(next);
            size = max_part;
        }
    }

    /// Passes over a block below the table.
    void pass_over_block() {
        pass_over(block_.buffer.content(), link_, block_.final);
        give(std::move(link_));
        pipeline_.turns_.done(block_.number);
    }

    /// Passes over text below the table, which moves the link. `final`: the file ends with it.
    void pass_over(Bytes text, Link& link, bool final) {
        const auto lines =
            static_cast<std::uint64_t>(std::ranges::count(text, reader_.dialect().newline()));
        link.line += lines;
        link.offset += source_length(text, reader_.dialect().encoding);
        link.position += text.size();
        if (!text.empty()) link.open_line = !text.ends_with(reader_.dialect().newline());
        feeder.pass_over(lines + (final && link.open_line ? 1 : 0));
    }

    /// The link to the next block, if records up to `index_.end()` have been read since `begin`.
    /// `above` is above the first record of `index_`. `final`: the file ends with the data.
    Link next_link(Bytes data, std::size_t begin, std::uint64_t lines, Above above, bool final) {
        const Bytes read = data.substr(begin, index_.end() - begin);
        Link next;
        next.line = link_.line + lines;
        next.above = index_.above_next(above);
        next.offset = link_.offset + source_length(read, reader_.dialect().encoding);
        next.position = link_.position + read.size();
        if (index_.footer()) {
            next.footer = true;
            pass_over(data.substr(index_.end()), next, final);
            return next;
        }
        next.open_line =
            read.empty() ? link_.open_line : !read.ends_with(reader_.dialect().newline());
        next.dropping = index_.dropping();
        next.tail = data.substr(index_.end());
        next.retry = read.empty() ? 2 * next.tail.size() : 0;
        return next;
    }

    void give(Link link) { pipeline_.chain_.give(block_.number + 1, std::move(link)); }

    /// `begin` is where the block begins in the data, and `line` where the index begins; `above` is
    /// above its first record.
    void feed(const RecordIndex& index, Bytes data, std::size_t begin, std::uint64_t line,
              Above above) {
        feeder.feed(index, {data, index.begin, line, link_.position - begin, above}, bad_);
        pipeline_.input_.progress.rows += index.records();
    }

    void feed_all(Bytes data, std::size_t begin, std::uint64_t line, Above above) {
        for (std::size_t i = 0; i < index_.size(); ++i) {
            feed(index_[i], data, begin, line, above);
            line += index_[i].line_ends;
            above = index_[i].above_next(above);
        }
    }

    void report(Bytes data, BlockStart start) {
        if (bad_.empty()) return;
        pipeline_.turns_.wait(block_.number);
        pipeline_.maker_.report(bad_, data, block_.final, start, pipeline_.input_.problems);
    }

    Pipeline& pipeline_;
    const RecordReader& reader_;
    BlockIndexer indexer_;
    Block block_;
    Link link_;
    RecordIndex head_;  ///< Of the records before the guessed begin.
    BlockIndex index_;  ///< Of the records after it.
    std::vector<BadRow> bad_;

public:
    RowFeeder feeder;
};

Pipeline::Pipeline(PipelineInput input)
    : input_(std::move(input)),
      maker_(input_.context.reader, input_.header.names, input_.context.query),
      chain_(std::move(input_.header.rest), input_.source.blocks()),
      turns_(input_.source.blocks()),
      first_(input_.source.blocks()),
      handed_(first_),
      whole_read_(input_.header.whole) {
    for (std::size_t i = 0; i < input_.threads; ++i) {
        workers_.push_back(std::make_unique<Worker>(*this, input_.memory / input_.threads));
    }
}

Pipeline::~Pipeline() = default;

void Pipeline::run() {
    std::vector<std::jthread> threads;
    // Nothing is left for other threads if the file has been read already.
    for (std::size_t i = 1; i < workers_.size() && !whole_read_; ++i) {
        threads.emplace_back([&worker = *workers_[i]] { worker.run(); });
    }
    workers_[0]->run();
    threads.clear();
    if (error_) std::rethrow_exception(error_);
}

Link Pipeline::read_tail(Link tail, BlockSource& ahead) {
    return workers_[0]->read_tail(std::move(tail), ahead);
}

bool Pipeline::next(Block& block) {
    const std::lock_guard lock(source_mutex_);
    if (input_.source.next(block)) {
        ++handed_;
        return true;
    }
    if (!whole_read_) return false;
    // The text that was read with the header is the end of the file.
    whole_read_ = false;
    block.number = handed_++;
    block.last = true;
    block.final = input_.source.final();
    block.buffer.reset(0, 0);
    return true;
}

void Pipeline::stop(std::exception_ptr error) {
    {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::move(error);
    }
    chain_.stop();
    turns_.stop();
}

RowCounts Pipeline::counts() const {
    RowCounts all;
    for (const auto& worker : workers_) all.add(worker->feeder.counts());
    return all;
}

Doubts Pipeline::doubts() const {
    Doubts all;
    for (const auto& worker : workers_) all.merge(worker->feeder.doubts());
    return all;
}

std::vector<GroupTable*> Pipeline::tables() {
    std::vector<GroupTable*> tables;
    for (const auto& worker : workers_) tables.push_back(&worker->feeder.table());
    return tables;
}

std::vector<StateFile> Pipeline::take_spilled() {
    std::vector<StateFile> files;
    for (const auto& worker : workers_) {
        for (StateFile& file : worker->feeder.spilled()) files.push_back(std::move(file));
    }
    return files;
}

}  // namespace csvmill
