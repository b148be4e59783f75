/// The number of a state, which has none before the first value.
#pragma once

#include <limits>

#include "groups/memory.hpp"
#include "text/error.hpp"
#include "values/decimal.hpp"

namespace csvmill {

/// A number or none, in 16 bytes. No number has the scale that means none: a cell is not so long.
class OptionalNumber {
public:
    bool has_value() const { return number_.scale() != none; }
    const Decimal& operator*() const { return number_; }

    void set(const Decimal& value, Budget& budget) {
        const std::size_t before = number_.heap_bytes();
        number_ = Decimal(value);
        budget.take(number_.heap_bytes());
        budget.give(before);
    }

    /// Takes the number of `other`.
    void move_from(OptionalNumber& other) { std::swap(number_, other.number_); }

    /// Adds `value`; none counts as zero.
    void add(const Decimal& value, Budget& budget) {
        if (number_.scale() == value.scale() && !number_.is_big()) [[likely]] {
            number_.add(value);
            if (number_.is_big()) [[unlikely]]
                budget.take(number_.heap_bytes());
        } else if (!has_value()) {
            set(value, budget);
        } else {
            const std::size_t before = number_.heap_bytes();
            number_.add(value);
            budget.take(number_.heap_bytes());
            budget.give(before);
        }
    }

    void write(std::string& to) const {
        to.push_back(has_value() ? 1 : 0);
        if (has_value()) number_.append_state(to);
    }

    void read(Bytes& from) {
        if (from.empty() || static_cast<unsigned char>(from.front()) > 1) {
            throw StateError("a number of a state is not complete");
        }
        const bool present = from.front() != 0;
        from.remove_prefix(1);
        if (present) read_number(from);
    }

    /// Reads a number that is there, as `Decimal::append_state` wrote it.
    void read_number(Bytes& from) { number_ = Decimal::take_state(from); }

private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    Decimal number_{0, none};
};

static_assert(sizeof(OptionalNumber) == 16);

}  // namespace csvmill
