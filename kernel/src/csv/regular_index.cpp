#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "csv/block_indexer.hpp"
#include "csv/inner_lines.hpp"
#include "csv/masks.hpp"
#include "csv/position_writer.hpp"
#include "text/byte_mask.hpp"
#include "text/utf8.hpp"

#define CSVMILL_INLINE [[gnu::always_inline]] inline

namespace csvmill {
namespace {

constexpr std::size_t word_bytes = 64;
constexpr std::size_t chunk_bytes = Masks::words * word_bytes;

/// The marks of a dialect whose blocks may be regular.
std::optional<Marks> marks_of(const Dialect& dialect) {
    const auto is_mark = [](const std::string& text) {
        return text.size() == 1 && text != "\r" && text != "\n";
    };
    if (!is_mark(dialect.delimiter) || dialect.delimiter == dialect.quote) return std::nullopt;
    Marks marks{dialect.delimiter[0], '\0', dialect.newline(), dialect.foreign(), false};
    if (dialect.quote.empty()) return marks;
    if (!is_mark(dialect.quote) || dialect.escape_or_quote().size() != 1) return std::nullopt;
    marks.quote = dialect.quote[0];
    marks.quoted = true;
    return marks;
}

/// The escape of a dialect in which quotes are not doubled; else empty. Text with one is not
/// regular.
Bytes escape_of(const Dialect& dialect) {
    const bool doubled = dialect.quote.empty() || dialect.escape_or_quote() == dialect.quote;
    return doubled ? Bytes() : Bytes(dialect.escape);
}

/// Reads a block chunk by chunk, up to the first one with an irregularity.
class Scan {
public:
    Scan(const RecordReader& reader, const Marks& marks, bool vectors, Bytes data,
         std::size_t begin, RecordIndex& index)
        : reader_(reader),
          marks_(marks),
          escape_(escape_of(reader.dialect())),
          doubled_(reader.dialect().escape_or_quote() == reader.dialect().quote),
          crlf_(!reader.dialect().line_end_cr),
          special_(reader.has_marks() || reader.dialect().trailing_delimiters),
          data_(data),
          next_(begin),
          checked_text_(begin),
          index_(index),
          one_field_(index.kept->width() == 1),
          stride_(index.kept->stride()),
          writer_(*index.kept, vectors),
          inner_(index.kept->width() - 1) {
        index_.ends.push_back(static_cast<std::uint32_t>(begin) - 1);
    }

    /// Reads all of the data, or up to an irregularity.
    CSVMILL_INLINE void read_all(MakeMasks make_masks);

    /// Ends the index. Returns where the plain reader has read beyond the irregularity.
    std::size_t finish(bool final);

private:
    template <bool quotes>
    CSVMILL_INLINE bool read_chunk(const char* source, std::size_t words, std::uint64_t keep);
    bool check_records();
    bool is_text(std::size_t end);
    bool is_last_record() const;
    bool is_special(std::size_t begin, std::size_t end) const;

    const RecordReader& reader_;
    const Marks marks_;
    const Bytes escape_;
    const bool doubled_;  ///< A quote in quotes is doubled.
    const bool crlf_;     ///< A CR may precede a line end.
    const bool special_;  ///< Lines may be passed over, or all records end in a delimiter.
    const Bytes data_;
    std::size_t next_;          ///< The next chunk.
    std::size_t checked_text_;  ///< Text before it is valid.
    RecordIndex& index_;
    const bool one_field_;
    const std::size_t stride_;
    PositionWriter writer_;
    Masks masks_;
    std::uint64_t inside_ = 0;
    // Whether the byte before the next word is a separator, a closing quote, or a CR.
    std::uint64_t after_separator_ = 1;
    std::uint64_t after_closing_ = 0;
    std::uint64_t after_cr_ = 0;
    std::size_t records_ = 0;  ///< Line ends that are not in quotes.
    std::size_t checked_ = 0;  ///< Records that were checked.
    bool irregular_ = false;
    bool not_ascii_ = false;  ///< Whether there are such characters after `checked_text_`.
    bool foreign_ = false;
    InnerLines inner_;
};

void Scan::read_all(MakeMasks make_masks) {
    std::array<char, chunk_bytes + 1> last;
    while (next_ < data_.size()) {
        const std::size_t bytes = std::min(chunk_bytes, data_.size() - next_);
        const std::size_t words = (bytes + word_bytes - 1) / word_bytes;
        const char* source = data_.data() + next_;
        std::uint64_t keep = ~std::uint64_t{0};
        if (bytes % word_bytes != 0) {
            // The bytes after the data must not be marks.
            constexpr Bytes letters = "xyz";
            const char other = *std::find_if(letters.begin(), letters.end(), [this](char letter) {
                return letter != marks_.delimiter && letter != marks_.quote;
            });
            std::memcpy(last.data(), source, bytes);
            std::memset(last.data() + bytes, other, words * word_bytes + 1 - bytes);
            source = last.data();
            keep >>= word_bytes - bytes % word_bytes;
        }
        const std::uint64_t inside_before = inside_;
        const InnerLines inner_before = inner_;
        const std::size_t long_before = index_.long_records.size();
        make_masks(source, words, marks_, inside_, masks_);
        foreign_ |= masks_.any_foreign;
        const bool quotes = masks_.any_quote || inside_before != 0 || inner_.within_lines();
        index_.quotes |= quotes;
        const bool well_formed =
            quotes ? read_chunk<true>(source, words, keep) : read_chunk<false>(source, words, keep);
        const bool escapes =
            !escape_.empty() && data_.substr(next_, bytes).find(escape_) != Bytes::npos;
        writer_.write(masks_.separators, words, static_cast<std::uint32_t>(next_), index_.ends);
        next_ += bytes;
        if (!well_formed || escapes || !check_records()) {
            inner_ = inner_before;
            index_.long_records.resize(long_before);
            irregular_ = true;
            return;
        }
    }
}

/// Reads the chunk `source`, of which `masks_` are made, and removes separators in quotes from
/// them. `keep` has the bytes of its last word that are data. One more byte can be read. Returns
/// whether quotes and line ends are where they may be.
template <bool quotes>
bool Scan::read_chunk([[maybe_unused]] const char* source, std::size_t words, std::uint64_t keep) {
    std::uint64_t after_separator = after_separator_;
    std::uint64_t after_closing = after_closing_;
    std::uint64_t after_cr = after_cr_;
    std::uint64_t bad = 0;
    [[maybe_unused]] InnerLines inner = inner_;
    if constexpr (quotes) inner.begin(records_);
    for (std::size_t word = 0; word < words; ++word) {
        std::uint64_t separators = masks_.separators[word];
        std::uint64_t newlines = masks_.newlines[word];
        std::uint64_t foreign = masks_.foreign[word];
        std::uint64_t closing = 0;
        std::uint64_t allowed = 0;  // After a closing quote.
        std::uint64_t wrong = 0;
        const std::uint64_t closed = after_closing;
        if constexpr (quotes) {
            const std::uint64_t inside = masks_.inside[word];
            std::uint64_t delimiters = separators & ~newlines & inside;
            // Before a space they do not count: see `RecordWatch`.
            if (delimiters != 0) delimiters &= ~mask_of_64(source + word * word_bytes + 1, ' ');
            inner.count(newlines & inside, delimiters, newlines & ~inside, index_.long_records);
            separators &= ~inside;
            newlines &= ~inside;
            foreign &= ~inside;
            masks_.separators[word] = separators;
            closing = masks_.quotes[word] & ~inside;
            const std::uint64_t opening = masks_.quotes[word] & inside;
            const std::uint64_t again = doubled_ ? closing << 1 | closed : 0;
            wrong = opening & ~(separators << 1 | after_separator | again);
            allowed = doubled_ ? opening : 0;
        }
        if (crlf_) {
            wrong |= (foreign << 1 | after_cr) & ~newlines;
            allowed |= foreign;
            after_cr = foreign >> 63;
        } else {
            wrong |= foreign;
        }
        wrong |= (closing << 1 | closed) & ~(separators | allowed);
        if (one_field_) wrong |= (newlines | foreign) & (separators << 1 | after_separator);
        bad |= word + 1 == words ? wrong & keep : wrong;
        after_separator = separators >> 63;
        after_closing = closing >> 63;
        records_ += static_cast<std::size_t>(std::popcount(newlines));
    }
    if constexpr (quotes) inner_ = inner;
    after_separator_ = after_separator;
    after_closing_ = after_closing;
    after_cr_ = after_cr;
    return bad == 0;
}

/// Whether each record so far has as many fields as the header, is not too long, and is text. If a
/// line end follows the fields of each record, there are none elsewhere, as there are as many line
/// ends as records.
bool Scan::check_records() {
    const Positions& ends = index_.ends;
    if (ends.size() <= records_ * stride_) return false;
    const bool long_records = data_.size() - index_.begin > record_limit;
    bool good = true;
    for (std::size_t record = checked_; record < records_; ++record) {
        const std::size_t end = ends[(record + 1) * stride_];
        good &= data_[end] == marks_.newline;
        if (long_records) good &= end - index_.begin_of(record) <= record_limit;
        if (special_) good &= !is_special(index_.begin_of(record), end);
    }
    not_ascii_ |= masks_.any_not_ascii;
    if (!good || !is_text(index_.begin_of(records_))) return false;
    if (checked_ < records_) not_ascii_ = masks_.any_not_ascii;
    checked_ = records_;
    return true;
}

/// Whether the text up to `end`, where a record ends, is valid.
bool Scan::is_text(std::size_t end) {
    if (not_ascii_ && !is_utf8(data_.substr(checked_text_, end - checked_text_))) return false;
    checked_text_ = end;
    return true;
}

/// Whether the record whose line end is at `end` is a mark, or lacks an empty last field though all
/// records have one.
bool Scan::is_special(std::size_t begin, std::size_t end) const {
    if (reader_.begins_mark(data_, begin)) return true;
    if (!reader_.dialect().trailing_delimiters) return false;
    if (crlf_ && end > begin && data_[end - 1] == '\r') --end;
    return end == begin || data_[end - 1] != marks_.delimiter;
}

/// Whether the text after the last line end is a regular record.
bool Scan::is_last_record() const {
    if (inside_ != 0 || (crlf_ && data_.back() == '\r')) return false;
    if (data_.size() - index_.begin_of(records_) > record_limit) return false;
    if (special_ && is_special(index_.begin_of(records_), data_.size())) return false;
    return index_.ends.size() == (records_ + 1) * stride_ && writer_.skipped() == 0;
}

std::size_t Scan::finish(bool final) {
    Positions& ends = index_.ends;
    std::size_t end = index_.begin_of(checked_);
    std::size_t until = end;
    index_.line_ends = checked_;
    if (irregular_) {
        until = next_;
    } else if (final && end < data_.size()) {
        until = data_.size();
        if (is_last_record() && is_text(until)) {
            end = until;
            ends.push_back(static_cast<std::uint32_t>(end));
            ++checked_;
            inner_.end(index_.long_records);
        }
    } else if (data_.size() - end > record_limit) {
        until = data_.size();
    }
    ends.resize(checked_ * stride_ + 1);
    if (checked_ > 0) index_.last = Above::record;
    inner_.add_to(index_);
    index_.regular = true;
    index_.end = static_cast<std::uint32_t>(end);
    index_.crlf = crlf_ && foreign_;
    return until;
}

void read_all_plain(Scan& scan) { scan.read_all(make_masks_plain); }

#ifdef __x86_64__
__attribute__((target("bmi,popcnt"))) void read_all_vector(Scan& scan) {
    scan.read_all(make_masks_vector);
}
#else
void read_all_vector(Scan& scan) { scan.read_all(make_masks_vector); }
#endif

}  // namespace

std::size_t BlockIndexer::index_regular(Bytes data, std::size_t begin, bool final,
                                        RecordIndex& index) const {
    index.clear(kept_, begin);
    const std::optional<Marks> marks = marks_of(reader_.dialect());
    if (!marks || kept_.width() > column_limit) return data.size();
    Scan scan(reader_, *marks, vectors_, data, begin, index);
    if (vectors_) {
        read_all_vector(scan);
    } else {
        read_all_plain(scan);
    }
    return scan.finish(final);
}

}  // namespace csvmill
