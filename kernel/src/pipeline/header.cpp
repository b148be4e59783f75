#include "pipeline/header.hpp"

#include <algorithm>

#include "text/error.hpp"
#include "text/show.hpp"
#include "text/transcode.hpp"
#include "text/utf8.hpp"

namespace csvmill {
namespace {

constexpr Bytes bom = "\xef\xbb\xbf";

/// The dialect in which the header is read: it is not below the table, and no comment if the client
/// says where it is.
Dialect for_header(Dialect dialect) {
    if (dialect.header) dialect.footer.clear();
    if (dialect.header_is_given()) dialect.comment.clear();
    return dialect;
}

constexpr std::size_t kept_name = 200;

/// The start of the file, from the record that is read now on.
class Start {
public:
    Start(BlockSource& source, const RecordReader& reader, Problems& problems)
        : source_(source), reader_(for_header(reader.dialect())), problems_(problems) {}

    std::optional<Header> read() {
        while (text_.size() < bom.size() && more()) {
        }
        if (Bytes(text_).starts_with(bom)) drop(bom.size());
        for (std::uint64_t lines = reader_.dialect().lines_above(); lines > 0; --lines) {
            if (!drop_line()) break;
            ++passed_over_;
        }
        if (!find_header()) return std::nullopt;
        while (at_ < text_.size() || more()) {
            if (at_ == text_.size()) continue;
            std::size_t end = 0;
            Fault fault;
            const Outcome outcome =
                reader_.read(text_, at_, final_, link_.line, fields_, end, &fault);
            if (outcome == Outcome::unfinished) {
                if (source_.ended()) break;  // the record continues after the part that is read
                // Twice as much, so that a long record is not read too often.
                const std::size_t wanted = 2 * (text_.size() - at_);
                while (text_.size() - at_ < wanted && more()) {
                }
            } else if (outcome == Outcome::record) {
                return header(end);
            } else if (outcome == Outcome::no_record) {
                ++passed_over_;
                drop(end - at_);
            } else if (outcome == Outcome::footer) {
                // Nothing of the file is in the table.
                do drop(text_.size() - at_);
                while (more());
                break;
            } else {
                take(fault, end);
                drop(end - at_);
                if (outcome == Outcome::too_long) drop_line();
            }
        }
        return std::nullopt;
    }

private:
    bool more() {
        Block block;
        if (!source_.next(block)) return false;
        text_.erase(0, at_);
        at_ = 0;
        text_.append(block.buffer.content());
        final_ = block.final;
        return true;
    }

    void drop(std::size_t size) {
        const Bytes dropped = Bytes(text_).substr(at_, size);
        const char newline = reader_.dialect().newline();
        link_.line +=
            static_cast<std::uint64_t>(std::count(dropped.begin(), dropped.end(), newline));
        link_.offset += source_length(dropped, reader_.dialect().encoding);
        link_.position += size;
        at_ += size;
    }

    /// Returns whether there is a line.
    bool drop_line() {
        bool found = false;
        while (at_ < text_.size() || more()) {
            const std::size_t end = text_.find(reader_.dialect().newline(), at_);
            found |= at_ < text_.size();
            drop((end == std::string::npos ? text_.size() : end + 1) - at_);
            if (end != std::string::npos) break;
        }
        return found;
    }

    /// Drops the lines above the one that begins as the client says. Returns false if what is read
    /// of the file has none. Throws MalformedInput if the file has none.
    bool find_header() {
        const std::string& begin = reader_.dialect().header_starts_with;
        while (!begin.empty()) {
            while (text_.size() - at_ < begin.size() && more()) {
            }
            if (Bytes(text_).substr(at_).starts_with(begin)) break;
            if (!drop_line()) {
                if (!source_.final()) return false;
                throw MalformedInput("no line begins with " + show(begin) +
                                     ": set input.header_starts_with to the text with which the "
                                     "header begins");
            }
            ++passed_over_;
        }
        return true;
    }

    void take(const Fault& fault, std::size_t end) {
        Problem problem{link_.line, link_.offset, fault.column, {}, fault.found, fault.expected};
        const std::string reason = problem.text();
        const Bytes record = Bytes(text_).substr(at_, end - at_);
        problems_.take(std::move(problem), reader_.without_line_end(record).substr(0, kept_record));
        if (reader_.dialect().header) throw MalformedInput(reason);
    }

    /// Throws MalformedInput if the header is not on the line that the client says.
    void check_line(std::uint64_t declared) const {
        if (declared == 0 || declared == link_.line) return;
        throw MalformedInput("line " + std::to_string(declared) +
                             " is empty, and the first record below it is on line " +
                             std::to_string(link_.line) +
                             ": set input.header_line to the line of the header");
    }

    Header header(std::size_t end) {
        Header header;
        header.line = link_.line;
        check_line(reader_.dialect().header_line);
        header.passed_over = passed_over_;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (!reader_.dialect().header) {
                header.names.push_back("column" + std::to_string(i + 1));
                continue;
            }
            const Field& field = fields_[i];
            const Bytes text = Bytes(text_).substr(field.begin, field.end - field.begin);
            std::string& name = header.names.emplace_back();
            if (field.escaped) {
                reader_.unescape(text, name);
            } else {
                name = text;
            }
        }
        if (reader_.dialect().header) {
            drop(end - at_);
            link_.above = Above::record;
        }
        header.rest = std::move(link_);
        header.rest.tail = text_.substr(at_);
        header.whole = source_.ended();
        return header;
    }

    BlockSource& source_;
    const RecordReader reader_;
    Problems& problems_;
    std::uint64_t passed_over_ = 0;
    std::string text_;
    std::size_t at_ = 0;
    bool final_ = false;
    Link link_;
    std::vector<Field> fields_;
};

}  // namespace

std::optional<Header> read_header(BlockSource& source, const RecordReader& reader,
                                  Problems& problems) {
    return Start(source, reader, problems).read();
}

std::optional<std::string> name_of(const std::vector<std::string>& names,
                                   std::optional<std::uint64_t> column) {
    if (!column || *column > names.size()) return std::nullopt;
    const Bytes name = Bytes(names[*column - 1]).substr(0, kept_name);
    std::string shown;
    for (std::size_t at = 0; at < name.size();) {
        const Decoded decoded = decode_utf8(name, at);
        for (std::size_t i = 0; i < decoded.length; ++i) {
            if (decoded.valid) {
                shown += name[at + i];
            } else {
                constexpr Bytes digits = "0123456789abcdef";
                const auto byte = static_cast<unsigned char>(name[at + i]);
                shown += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
            }
        }
        at += decoded.length;
    }
    return shown;
}

}  // namespace csvmill
