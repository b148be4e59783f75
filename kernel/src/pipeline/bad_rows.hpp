/// Bad records of a block, and the problems that describe them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "csv/record_reader.hpp"
#include "output/problems.hpp"
#include "query/batch.hpp"

namespace csvmill {

/// A bad record of a block: where it begins, and which check refused it.
struct BadRow {
    enum class Check : std::uint8_t { reader, width, cell };
    std::uint32_t at = 0;
    Check check = Check::reader;
    CellFault fault;  ///< Of a bad cell.
};

/// Where the text of a block begins in the file.
struct BlockStart {
    std::size_t at = 0;  ///< In the data of the block.
    std::uint64_t line = 1;
    std::uint64_t offset = 0;  ///< Bytes of the source.
};

/// Describes the bad rows of blocks, in file order.
class ProblemMaker {
public:
    /// `names` are those of the columns.
    ProblemMaker(const RecordReader& reader, const std::vector<std::string>& names,
                 const Query& query)
        : reader_(reader), names_(names), query_(query) {}

    /// Makes `problems` take the bad rows, which are sorted by position. `data` is that of the
    /// block.
    void report(std::vector<BadRow>& rows, Bytes data, bool final, BlockStart start,
                Problems& problems) const;

private:
    /// The column of a bad cell that is not in the file; null if there is none.
    const Constant* constant_of(const BadRow& row) const;
    Fault fault_of(const BadRow& row, Bytes data, bool final, std::uint64_t line,
                   std::size_t& end) const;

    const RecordReader& reader_;
    const std::vector<std::string>& names_;
    const Query& query_;
};

}  // namespace csvmill
