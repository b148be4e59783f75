/// Some records of a block, column by column.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "query/query.hpp"
#include "text/bytes.hpp"
#include "values/date.hpp"
#include "values/decimal.hpp"

namespace csvmill {

inline constexpr std::size_t batch_rows = 256;

/// The bytes that can be read after each cell of a batch, also an empty one.
inline constexpr std::size_t cell_padding = 32;

/// Rows of a batch, by number, in increasing order.
struct Selection {
    std::array<std::uint16_t, batch_rows> rows;
    std::size_t size = 0;

    void all(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) rows[i] = static_cast<std::uint16_t>(i);
        size = count;
    }
    const std::uint16_t* begin() const { return rows.data(); }
    const std::uint16_t* end() const { return rows.data() + size; }
};

/// The cells of one column of the file.
using Cells = std::array<Bytes, batch_rows>;

/// Why a row is bad: a cell is not of the kind that is read. The first one of a row counts.
struct CellFault {
    enum class Place : std::uint8_t { where, group, aggregate };
    std::uint16_t row = 0;
    Place place = Place::where;
    Kind kind = Kind::text;    ///< That was expected.
    std::uint32_t column = 0;  ///< Of the file, from 0.
    bool too_long = false;     ///< A number that `is_long`, where numbers are multiplied.
};

/// What was expected in place of `cell`, for a message: all rules of processor/engines/general.py.
std::string expectation(const CellFault& fault, Bytes cell, const Query& query);

/// The texts of cells that were changed.
struct ChangedCells {
    Cells cells;
    std::string text;   ///< Owns the texts that differ from a part of their cell.
    std::string ascii;  ///< Owns those of ASCII that only differ in case.
};

/// The values of a column, read as a kind. Only the members of the kind are used.
struct Values {
    std::array<bool, batch_rows> present;  ///< False for an empty cell: no value.
    std::vector<Decimal> numbers;          ///< integer, number.
    bool decimals = false;                 ///< Whether a number that was read has decimals.
    std::vector<Instant> dates;            ///< date; the text is in `cells`.
    const Cells* cells = nullptr;          ///< text, date; null without a column.
    std::unique_ptr<ChangedCells> iso;     ///< Dates that the file writes in another way.
};

/// The cells that `where` has read as numbers in one column.
struct TestedNumbers {
    std::uint32_t column = 0;  ///< Of the file.
    Selection rows;            ///< Without bad cells.
    bool decimals = false;     ///< Whether a number has decimals.
};

/// A cell that `where` compared with texts, and which may look like one of them.
struct AlmostAsked {
    std::uint16_t row = 0;
    std::uint16_t comparison = 0;  ///< Of those of `asked_texts`.

    auto operator<=>(const AlmostAsked&) const = default;
};

/// A batch, as the parts of the kernel hand it on: cells -> where -> keys -> values -> groups.
///
/// It is used for many batches. Who fills it sets `rows`, `columns`, `cells`, `positions` and
/// `selected`, and clears `filtered` and `faults`.
struct Batch {
    std::size_t rows = 0;
    std::vector<std::uint32_t> columns;  ///< Of the file, which the query reads, ascending.
    std::vector<Cells> cells;            ///< Those columns; see `cell_padding`.
    std::array<std::uint64_t, batch_rows> positions;  ///< Byte offset in the file; orders the rows.
    Selection selected;                  ///< Rows that are neither filtered out nor bad so far.
    std::size_t filtered = 0;            ///< Rows that `where` excluded.
    std::vector<CellFault> faults;       ///< Bad rows, each once, not sorted.
    std::vector<TestedNumbers> tested;   ///< See `Condition::filter`.
    std::vector<AlmostAsked> almost;     ///< See `Condition::note_almost_asked`.
    std::array<Bytes, batch_rows> keys;  ///< Keys of groups; see `make_keys`.
    std::string key_text;
    std::vector<ChangedCells> changed;    ///< One for each group column, if one is not plain.
    std::vector<const Cells*> key_cells;  ///< The texts of which keys consist.
    std::vector<Values> values;           ///< As many as aggregates; see `values_of`.
    Values operands;                      ///< Second numbers of an operation, while it is computed.
    /// Which of `values` each aggregate reads; if there are none, its own.
    std::vector<std::size_t> sources;

    const Cells& column(std::uint32_t number) const;
    const Values& values_of(std::size_t aggregate) const {
        return values[sources.empty() ? aggregate : sources[aggregate]];
    }
};

/// More memory than this is not kept for a text of later batches.
inline constexpr std::size_t kept_text = std::size_t{1} << 20;

/// Clears a text of a batch.
void clear_text(std::string& text);

/// Replaces the cells of all rows in the first `columns` columns that stand for an empty cell.
void empty_nulls(Batch& batch, const NullTexts& nulls, std::size_t columns);

/// The comparisons with `=`, `!=`, `in` and not `in` for texts, if they are few, from left to
/// right.
std::vector<const Restriction*> asked_texts(const Restriction& restriction);

/// The columns that a query reads, ascending, each once: constants are the last ones.
std::vector<std::uint32_t> used_columns(const Query& query);

/// Those that are in a file of `width` columns.
std::vector<std::uint32_t> used_columns(const Query& query, std::size_t width);

}  // namespace csvmill
