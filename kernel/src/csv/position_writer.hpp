/// From masks of separators to the positions of those that are kept.
#pragma once

#include <cstdint>
#include <vector>

#include "csv/kept_fields.hpp"
#include "csv/masks.hpp"
#include "csv/positions.hpp"

namespace csvmill {

/// Appends the kept separators of a block to a list, chunk by chunk.
class PositionWriter {
public:
    /// `vectors`: whether the processor `has_vectors`.
    PositionWriter(const KeptFields& kept, bool vectors);

    /// Appends those of the bits in the first `words` of `separators`. `base` is the position of
    /// the first bit.
    void write(const Masks::Mask& separators, std::size_t words, std::uint32_t base, Positions& to);

    /// Separators that follow before the next one that is kept.
    std::uint64_t skipped() const { return next_.skip; }

    /// The next separator that is kept.
    struct Next {
        std::size_t place = 0;   ///< Among those of a record.
        std::uint64_t skip = 0;  ///< Separators before it.
    };

    /// Writes the positions of a chunk to `to`, and returns the end of what it has written. It may
    /// write a few more values. `steps`: the separators between each kept one and the next.
    using Write = std::uint32_t* (*)(const Masks::Mask& separators, std::size_t words,
                                     std::uint32_t base, const std::vector<std::uint32_t>& steps,
                                     Next& next, std::uint32_t* to);

private:
    Write write_;
    std::vector<std::uint32_t> steps_;
    Next next_;
};

}  // namespace csvmill
