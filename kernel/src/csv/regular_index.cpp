#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "csv/masks.hpp"
#include "csv/record_index.hpp"
#include "text/utf8.hpp"

#define CSVMILL_INLINE [[gnu::always_inline]] inline

namespace csvmill {
namespace {

constexpr std::size_t word_bytes = 64;
constexpr std::size_t chunk_bytes = Masks::words * word_bytes;
/// `write_positions` may write so many positions beyond the last.
constexpr std::size_t slack = 8;

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

/// Writes the positions of all bits, and a few more values.
CSVMILL_INLINE std::uint32_t* write_positions(std::uint32_t* to, std::uint64_t bits,
                                              std::uint32_t base) {
    std::uint32_t* const end = to + std::popcount(bits);
    while (true) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < slack; ++i) {
            to[i] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
            bits &= bits - 1;
        }
        if (bits == 0) return end;
        to += slack;
    }
}

/// Reads a block chunk by chunk, and stops at the first irregularity that it sees.
class Scan {
public:
    Scan(const RecordReader& reader, const Marks& marks, std::uint32_t width, Bytes data,
         std::size_t begin, RecordIndex& index)
        : marks_(marks),
          doubled_(reader.dialect().escape_or_quote() == reader.dialect().quote),
          crlf_(!reader.dialect().line_end_cr),
          width_(width),
          data_(data),
          next_(begin),
          begin_(begin),
          index_(index) {}

    /// Reads all of the data; false if it is not regular.
    CSVMILL_INLINE bool read_all(MakeMasks make_masks);

    /// Ends the index; false if the block is not regular.
    bool finish(bool final);

private:
    template <bool quotes>
    CSVMILL_INLINE bool read_chunk(std::size_t words, std::uint64_t keep);
    CSVMILL_INLINE void count_inner(std::uint64_t inner, std::uint64_t outer);
    void end_inner();
    CSVMILL_INLINE bool check_width();

    const Marks marks_;
    const bool doubled_;  ///< A quote in quotes is doubled.
    const bool crlf_;     ///< A CR may precede a line end.
    const std::size_t width_;
    const Bytes data_;
    std::size_t next_;  ///< The next chunk.
    std::size_t begin_;
    RecordIndex& index_;
    Masks masks_;
    std::uint64_t inside_ = 0;
    // Whether the byte before the next word is a separator, a closing quote, or a CR.
    std::uint64_t after_separator_ = 1;
    std::uint64_t after_closing_ = 0;
    std::uint64_t after_cr_ = 0;
    std::size_t records_ = 0;  ///< Line ends that are not in quotes.
    std::size_t checked_ = 0;  ///< Records whose width was checked.
    bool not_ascii_ = false;
    bool foreign_ = false;
    std::size_t inner_record_ = 0;   ///< The record with the last line end in quotes.
    std::uint64_t inner_lines_ = 0;  ///< Its line ends in quotes.
};

bool Scan::read_all(MakeMasks make_masks) {
    std::array<char, chunk_bytes> last;
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
            std::memset(last.data() + bytes, other, words * word_bytes - bytes);
            source = last.data();
            keep >>= word_bytes - bytes % word_bytes;
        }
        const std::uint64_t inside_before = inside_;
        make_masks(source, words, marks_, inside_, masks_);
        not_ascii_ |= masks_.any_not_ascii;
        foreign_ |= masks_.any_foreign;
        const bool quotes = masks_.any_quote || inside_before != 0;
        index_.quotes |= quotes;
        if (!(quotes ? read_chunk<true>(words, keep) : read_chunk<false>(words, keep))) {
            return false;
        }
        next_ += bytes;
    }
    return true;
}

/// Reads the chunk of which `masks_` are made. `keep` has the bytes of its last word that are data.
template <bool quotes>
bool Scan::read_chunk(std::size_t words, std::uint64_t keep) {
    std::uint32_t* to = index_.ends.room(chunk_bytes + slack);
    const std::uint32_t* const first = to;
    std::uint64_t after_separator = after_separator_;
    std::uint64_t after_closing = after_closing_;
    std::uint64_t after_cr = after_cr_;
    std::uint64_t bad = 0;
    auto base = static_cast<std::uint32_t>(next_);
    for (std::size_t word = 0; word < words; ++word, base += word_bytes) {
        std::uint64_t separators = masks_.separators[word];
        std::uint64_t newlines = masks_.newlines[word];
        std::uint64_t foreign = masks_.foreign[word];
        std::uint64_t closing = 0;
        std::uint64_t allowed = 0;  // After a closing quote.
        std::uint64_t wrong = 0;
        const std::uint64_t closed = after_closing;
        if constexpr (quotes) {
            const std::uint64_t inside = masks_.inside[word];
            if ((newlines & inside) != 0) count_inner(newlines & inside, newlines & ~inside);
            separators &= ~inside;
            newlines &= ~inside;
            foreign &= ~inside;
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
        if (width_ == 1) wrong |= (newlines | foreign) & (separators << 1 | after_separator);
        bad |= word + 1 == words ? wrong & keep : wrong;
        after_separator = separators >> 63;
        after_closing = closing >> 63;
        records_ += static_cast<std::size_t>(std::popcount(newlines));
        to = write_positions(to, separators, base);
    }
    after_separator_ = after_separator;
    after_closing_ = after_closing;
    after_cr_ = after_cr;
    index_.ends.resize(index_.ends.size() + static_cast<std::size_t>(to - first));
    return bad == 0 && check_width();
}

/// Counts the line ends `inner` in quotes; `outer` are the other line ends of the word.
void Scan::count_inner(std::uint64_t inner, std::uint64_t outer) {
    for (; inner != 0; inner &= inner - 1) {
        const std::uint64_t before = (inner & (~inner + 1)) - 1;
        const std::size_t record =
            records_ + static_cast<std::size_t>(std::popcount(outer & before));
        if (record != inner_record_) end_inner();
        inner_record_ = record;
        ++inner_lines_;
    }
}

/// Ends the counting of the line ends of a record.
void Scan::end_inner() {
    if (inner_lines_ == 0) return;
    index_.line_ends += inner_lines_;
    index_.of_several_lines += 1;
    index_.most_lines = std::max(index_.most_lines, inner_lines_ + 1);
    inner_lines_ = 0;
}

/// Whether a line end follows `width` fields in every record so far. As there are as many line ends
/// as records, there are none elsewhere.
bool Scan::check_width() {
    const Positions& ends = index_.ends;
    if (ends.size() < records_ * width_) return false;
    const bool long_records = data_.size() - begin_ > record_limit;
    bool good = true;
    for (std::size_t at = checked_ * width_ + width_ - 1; checked_ < records_;
         ++checked_, at += width_) {
        good &= data_[ends[at]] == marks_.newline;
        if (long_records) {
            const std::size_t begin = checked_ == 0 ? begin_ : ends[at - width_] + std::size_t{1};
            good &= ends[at] - begin <= record_limit;
        }
    }
    return good;
}

bool Scan::finish(bool final) {
    Positions& ends = index_.ends;
    std::size_t end = records_ == 0 ? begin_ : ends[records_ * width_ - 1] + std::size_t{1};
    index_.line_ends += records_;
    if (final && end < data_.size()) {
        const std::size_t fields = ends.size() - records_ * width_ + 1;
        if (inside_ != 0 || (crlf_ && data_.back() == '\r') || fields != width_) return false;
        if (data_.size() - end > record_limit) return false;
        end = data_.size();
        ends.push_back(static_cast<std::uint32_t>(end));
        ++records_;
    }
    ends.resize(records_ * width_);
    if (inner_record_ < records_) end_inner();
    if (not_ascii_ && !is_utf8(data_.substr(begin_, end - begin_))) return false;
    index_.regular = true;
    index_.end = static_cast<std::uint32_t>(end);
    index_.crlf = crlf_ && foreign_;
    return true;
}

bool read_all_plain(Scan& scan) { return scan.read_all(make_masks_plain); }

#ifdef __x86_64__
__attribute__((target("bmi,popcnt"))) bool read_all_vector(Scan& scan) {
    return scan.read_all(make_masks_vector);
}
#else
bool read_all_vector(Scan& scan) { return scan.read_all(make_masks_vector); }
#endif

}  // namespace

bool BlockIndexer::index_regular(Bytes data, std::size_t begin, bool final,
                                 RecordIndex& index) const {
    index.clear();
    index.width = width_;
    index.begin = static_cast<std::uint32_t>(begin);
    const std::optional<Marks> marks = marks_of(reader_.dialect());
    if (!marks || width_ == 0 || width_ > column_limit) return false;
    const Bytes escape = reader_.dialect().escape;
    if (marks->quoted && !escape.empty() && escape != reader_.dialect().quote &&
        data.find(escape, begin) != Bytes::npos) {
        return false;
    }
    Scan scan(reader_, *marks, width_, data, begin, index);
    return (vectors_ ? read_all_vector(scan) : read_all_plain(scan)) && scan.finish(final);
}

}  // namespace csvmill
