/// Sees what is doubtful in the records that one thread reads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "warnings/end_watch.hpp"

namespace csvmill {

/// It sees all records in the order of the file, block by block. What is not doubtful costs
/// little: docs/report.md says what it looks for.
///
/// Until the first group that may be doubtful, only rows of new groups are looked at.
class Watch {
public:
    /// `names` are those of the columns of the file. What is seen is added to `doubts`, which must
    /// live as long.
    Watch(const Query& query, const RecordReader& reader, const std::vector<std::string>& names,
          Doubts& doubts);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() = default;

    /// Looks at the cells of a batch that `where` has read.
    void look_at_tested(const PlacedRows& rows);

    /// Looks at the selected rows of a batch. `new_rows` are those whose groups are new.
    void look_at_rows(const PlacedRows& rows, std::span<const std::uint16_t> new_rows);

    /// All batches of an index were looked at.
    void end_index(const RecordIndex& index, const TextPlace& place) {
        ends_.end_index(index, place);
    }

private:
    /// A column whose cells are read as numbers with decimals.
    struct NumberColumn {
        static constexpr std::size_t none = ~std::size_t{0};
        std::size_t values;    ///< Of the batch: of `values_of`, or of `tested`, or none.
        std::uint32_t column;  ///< Of the file.
        Sighting* sighting;
    };

    void watch_numbers();
    void watch_number(std::uint32_t column, std::size_t values);
    bool watches(std::uint32_t column) const;
    void look_at_cells(const NumberColumn& number, const PlacedRows& rows);
    void look_at_numbers(const NumberColumn& number, const PlacedRows& rows);
    bool look_at_number(const NumberColumn& number, const PlacedRows& rows, std::uint16_t row,
                        const Decimal& value);
    void find_tested(const Batch& batch);
    void look_at_groups(const PlacedRows& rows);
    bool look_at_group(const PlacedRows& rows, std::uint16_t row, const std::uint32_t* total,
                       bool blank);
    bool look_at_names(const PlacedRows& rows, std::uint16_t row);
    void look_at_records(const PlacedRows& rows);

    bool is_constant(std::size_t group) const {
        return query_.group_by[group].column >= names_.size();
    }
    static bool is_longer(const PlacedRows& rows, std::uint16_t row, std::size_t size);
    bool may_be_doubtful(const PlacedRows& rows, std::uint16_t row) const;
    bool has_names(const PlacedRows& rows, std::uint16_t row) const;
    bool may_be_header(const PlacedRows& rows, std::uint16_t row) const;
    bool may_be_empty(const PlacedRows& rows, std::uint16_t row) const;
    bool is_header(const PlacedRows& rows, std::uint16_t row);
    bool is_empty(const PlacedRows& rows, std::uint16_t row);
    bool read(const PlacedRows& rows, std::uint16_t row);
    std::string value_of(std::size_t column, Bytes data) const;
    void see_cell(Sighting& sighting, std::uint32_t start, std::uint32_t column, Bytes cell,
                  const TextPlace& place) const;
    void see_record(Sighting& sighting, std::uint32_t start, const std::vector<std::string>& texts,
                    const TextPlace& place) const;
    void see_empty(const PlacedRows& rows, std::uint16_t row);

    const Query& query_;
    const RecordReader& reader_;
    const std::vector<std::string>& names_;
    Doubts& doubts_;
    EndWatch ends_;
    std::vector<NumberColumn> numbers_;  ///< That aggregates read.
    std::vector<NumberColumn> tested_;   ///< That only `where` reads.
    bool tested_known_ = false;          ///< Whether `tested_` is set.
    std::vector<Sighting*> blanks_;      ///< Of each group column, or null.
    bool plain_keys_ = true;             ///< Whether no group column changes its cells.
    bool groups_of_file_ = false;        ///< Whether a group column is in the file.
    std::size_t of_file_ = 0;            ///< Of the columns of a batch: those that are in the file.
    bool watching_ = false;              ///< Whether a group was seen that may be doubtful.
    bool names_are_plain_ = true;        ///< Whether no name has a quote or an escape.
    std::size_t longest_header_ = 0;     ///< Bytes that a record with the names can have.
    std::array<bool, 256> in_blank_{};   ///< Bytes of blanks, and of marks between and around them.
    std::vector<Field> fields_;          ///< Of the record that was read last.
};

/// Whether a number is written as an integer in groups of three digits, such as 1.234 or -336.465.
bool may_be_grouped(const Decimal& number);

}  // namespace csvmill
