#include "warnings/group_survey.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "query/row_reader.hpp"
#include "state/entry_cursor.hpp"
#include "state/group_states.hpp"
#include "text/likeness.hpp"
#include "text/show.hpp"
#include "text/utf8.hpp"
#include "values/notation.hpp"
#include "warnings/end_watch.hpp"
#include "warnings/total_names.hpp"

namespace csvmill {

namespace {

/// A row that sums others has at least so many of them.
constexpr std::uint64_t least_summed = 2;

/// With so many of them, any sum is reported; with fewer, only sums of so many significant digits.
constexpr std::uint64_t many_summed = 4;
constexpr std::size_t least_digits = 2;

/// Sums of a group that is called "ALL" may differ from those of all others by one in so many, as
/// published numbers are rounded.
constexpr std::int64_t rounded_by = 100;

/// The digits of a number but for zeros at both ends.
std::size_t significant_digits(Bytes number) {
    constexpr Bytes digits = "123456789";
    const std::size_t first = number.find_first_of(digits);
    if (first == Bytes::npos) return 0;
    const std::size_t last = number.find_last_of(digits);
    const Bytes significant = number.substr(first, last - first + 1);
    return significant.size() - static_cast<std::size_t>(std::ranges::count(significant, '.'));
}

/// Calls `take` with the key of each group, and a function that gives the state of its aggregate
/// `i`, until it returns false.
template <typename Take>
void each_group(const SurveyedGroups& groups, const Take& take) {
    const Layout& layout = groups.layout;
    for (const GroupTable* table : groups.tables) {
        for (const std::span<std::byte> piece : table->pieces()) {
            for (std::size_t at = 0; at < piece.size();) {
                auto* group = reinterpret_cast<Group*>(piece.data() + at);
                at += layout.group_size(group);
                if (group->merged) continue;
                const auto state = [&](std::size_t i) -> const std::byte* {
                    return layout.state(group, i);
                };
                if (!take(layout.key(group), state)) return;
            }
        }
    }
    GroupStates states(layout);
    for (const StateFile& file : groups.files) {
        EntryCursor cursor(file.entries(), 0, "");
        while (cursor.next()) {
            bool read = false;
            const auto state = [&](std::size_t i) -> const std::byte* {
                if (!read) states.read(cursor.payload());
                read = true;
                return states.state(i);
            };
            if (!take(cursor.key(), state)) return;
        }
    }
}

/// A set of keys that tells which of them look alike, by hashes of 64 bits.
class LikenessSet {
public:
    enum class Found { first, again, alike };

    /// For about so many keys.
    explicit LikenessSet(std::size_t keys) { grow(std::bit_ceil(2 * keys + 1)); }

    std::size_t size() const { return size_; }

    Found add(std::uint64_t likeness, std::uint64_t key) {
        if (2 * size_ >= slots_.size()) grow(2 * slots_.size());
        Slot& slot = find(likeness);
        if (!slot.used) {
            slot = {likeness, key, true};
            ++size_;
            return Found::first;
        }
        return slot.key == key ? Found::again : Found::alike;
    }

private:
    struct Slot {
        std::uint64_t likeness = 0;
        std::uint64_t key = 0;
        bool used = false;
    };

    Slot& find(std::uint64_t likeness) {
        const std::size_t last = slots_.size() - 1;
        for (std::size_t at = likeness & last;; at = (at + 1) & last) {
            if (!slots_[at].used || slots_[at].likeness == likeness) return slots_[at];
        }
    }

    void grow(std::size_t size) {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(size));
        for (const Slot& slot : old)
            if (slot.used) find(slot.likeness) = slot;
    }

    std::vector<Slot> slots_;  ///< A power of two.
    std::size_t size_ = 0;
};

class Survey {
public:
    Survey(const SurveyedGroups& groups, Doubts& doubts)
        : groups_(groups),
          doubts_(doubts),
          first_{doubts.first_row(), false, {}, {}},
          last_{doubts.last_row(), false, {}, {}},
          sums_(summed_aggregates(groups.query)),
          asks_for_sums_(std::ranges::any_of(groups.query.aggregates, &Aggregate::sums_column)),
          hash_(groups.seed) {}

    void run(std::size_t most, bool alike) {
        tell_labels();
        if (!asks_for_sums_) tell_ends_of_all();
        tell_note();
        if ((!alike && sums_.empty()) || !compare_keys(most)) return;
        if (alike && !alike_.empty()) tell_alike();
        for (End* end : {&last_, &first_}) {
            if (may_be_sum(*end) && tell_sum(*end)) return;
        }
        // A group called "ALL" has the mean of all others, and no sum, in a column of means.
        if (alike && asks_for_sums_) tell_all();
    }

private:
    using Likeness = std::pair<std::uint64_t, std::uint64_t>;  ///< Hashes of likeness and key.

    /// The first or the last row.
    struct End {
        const EndRow& row;
        bool named = false;             ///< Whether it is reported for its name.
        std::vector<Decimal> of_group;  ///< The sums of its group.
        std::vector<Decimal> numbers;   ///< Those of the row itself.
    };

    /// Tells a first or last row in which the name of a total is in a column without groups, unless
    /// it is in both.
    void tell_labels() {
        for (End* end : {&first_, &last_}) end->named = has_key_of_total(end->row);
        if (first_.row.label_column == last_.row.label_column) return;
        for (End* end : {&first_, &last_}) {
            if (end->named || !end->row.label_column) continue;
            end->named = true;
            Sighting& sighting = doubts_.of(Doubt::total_row);
            if (sighting.count++ > 0 && end == &last_) continue;
            sighting.line = end->row.line;
            sighting.column = end->row.label_column;
            sighting.example = end->row.label;
        }
    }

    /// Tells a last row that may be a note below the table, unless the first row is like it.
    void tell_note() {
        if (last_.named || last_.row.note.empty() || !first_.row.note.empty()) return;
        Sighting& sighting = doubts_.of(Doubt::note_row);
        sighting.count = 1;
        sighting.line = last_.row.line;
        sighting.column = 0;
        sighting.example = last_.row.note;
    }

    bool has_key_of_total(const EndRow& row) {
        const std::size_t columns = groups_.query.group_by.size();
        if (columns == 0 || !row.known) return false;
        split_key(row.key, columns, texts_);
        return std::ranges::any_of(texts_, names_total);
    }

    /// The groups that are called "ALL" or the like in a column.
    struct AllGroups {
        std::uint64_t count = 0;
        std::string first;          ///< The least of their names.
        std::vector<Decimal> sums;  ///< Of these groups.
    };

    /// Notes a group if it is called "ALL" or the like.
    template <typename State>
    void note_all(Bytes key, const State& state) {
        if (all_.empty() || !may_be_all(key)) return;
        split_key(key, all_.size(), texts_);
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (!names_all(texts_[i])) continue;
            AllGroups& all = all_[i];
            ++all.count;
            if (all.first.empty() || texts_[i] < all.first) all.first = texts_[i];
            all.sums.resize(sums_.size());
            add_sums(state, all.sums);
        }
    }

    /// Whether one of the texts of a key may be called "ALL" or the like.
    bool may_be_all(Bytes key) const {
        if (all_.size() == 1) return names_all(key);
        while (true) {
            if (names_all(key.substr(0, key.find('\0')))) return true;
            const std::size_t nul = key.find('\0');
            if (nul == Bytes::npos || nul + 2 > key.size()) return false;
            key.remove_prefix(nul + 2);
        }
    }

    /// Tells groups that are called "ALL" or the like and have the sums of all others.
    void tell_all() {
        if (std::ranges::none_of(all_, [](const AllGroups& all) { return all.count > 0; })) return;
        std::vector<Decimal> sums(sums_.size());
        each_group(groups_, [&](Bytes, const auto& state) {
            add_sums(state, sums);
            return true;
        });
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (all_[i].count == 0 || !have_half(all_[i].sums, sums)) continue;
            const std::uint32_t column = groups_.query.group_by[i].column;
            Sighting& sighting = doubts_.of(Doubt::total_group, column);
            sighting.count = all_[i].count;
            sighting.column = column;
            sighting.example = show(all_[i].first);
        }
    }

    /// Whether sums are those of all others together, but for rounding, and not all of them zero.
    static bool have_half(const std::vector<Decimal>& some, const std::vector<Decimal>& every) {
        bool zero = true;
        for (std::size_t i = 0; i < every.size(); ++i) {
            Decimal difference = every[i];
            difference.subtract(some[i]);
            difference.subtract(some[i]);
            const Decimal scaled = Decimal::product(magnitude(difference), Decimal(rounded_by, 0));
            if (compare(scaled, magnitude(every[i])) > 0) return false;
            zero = zero && some[i].is_zero();
        }
        return !zero;
    }

    static Decimal magnitude(const Decimal& number) {
        return compare(number, Decimal()) < 0 ? number.negated() : number;
    }

    /// Tells a first or last row that is called "ALL" or the like, unless both are: no sums show
    /// whether it is a total.
    void tell_ends_of_all() {
        const std::size_t count = groups_.query.group_by.size();
        std::array<std::size_t, 2> columns{count, count};
        const std::array<End*, 2> ends{&first_, &last_};
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if (count == 0 || ends[i]->named || !ends[i]->row.known) continue;
            split_key(ends[i]->row.key, count, texts_);
            const auto found = std::ranges::find_if(texts_, names_all);
            columns[i] = static_cast<std::size_t>(found - texts_.begin());
        }
        if (columns[0] == columns[1]) return;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if (columns[i] == count) continue;
            ends[i]->named = true;
            split_key(ends[i]->row.key, count, texts_);
            const std::uint32_t column = groups_.query.group_by[columns[i]].column;
            Sighting& sighting = doubts_.of(Doubt::total_row);
            if (sighting.count++ > 0 && ends[i] == &last_) continue;
            sighting.line = ends[i]->row.line;
            sighting.column = column;
            sighting.example = show(texts_[columns[i]]);
        }
    }

    /// Returns false if there are more than `most` groups.
    bool compare_keys(std::size_t most) {
        all_.resize(groups_.query.group_by.size());
        std::size_t expected = 0;
        for (const GroupTable* table : groups_.tables) expected += table->size();
        LikenessSet set(std::min(expected, most));
        for (End* end : {&first_, &last_}) end->of_group.assign(sums_.size(), Decimal());
        bool few = true;
        each_group(groups_, [&](Bytes key, const auto& state) {
            const Likeness likeness = likeness_of(key);
            const auto found = set.add(likeness.first, likeness.second);
            if (found == LikenessSet::Found::alike) alike_.push_back(likeness.first);
            for (End* end : {&first_, &last_}) {
                if (end->row.known && key == end->row.key) add_sums(state, end->of_group);
            }
            note_all(key, state);
            few = set.size() <= most && alike_.size() <= most;
            return few;
        });
        std::ranges::sort(alike_);
        alike_.erase(std::unique(alike_.begin(), alike_.end()), alike_.end());
        return few;
    }

    Likeness likeness_of(Bytes key) {
        const std::uint64_t of_key = hash_(key);
        const std::size_t columns = groups_.query.group_by.size();
        if (columns == 0) return {of_key, of_key};
        text_.clear();
        if (append_plain_key_likeness(text_, key)) return {hash_(text_), of_key};
        if (is_ascii(key)) {
            append_ascii_likeness(text_, key);
            return {hash_(text_), of_key};
        }
        split_key(key, columns, texts_);
        for (std::size_t i = 0; i < columns; ++i) {
            like_.clear();
            append_likeness(like_, texts_[i]);
            append_key_text(text_, like_, i == 0);
        }
        return {hash_(text_), of_key};
    }

    /// Counts the groups that look like another one, and shows the first two of them.
    void tell_alike() {
        std::vector<Likeness> found;
        std::optional<std::string> first;
        std::uint64_t likeness_of_first = 0;
        each_alike([&](Bytes key, const Likeness& likeness) {
            found.push_back(likeness);
            if (first && Bytes(*first) <= key) return;
            first = key;
            likeness_of_first = likeness.first;
        });
        std::ranges::sort(found);
        found.erase(std::unique(found.begin(), found.end()), found.end());
        std::optional<std::string> second;
        each_alike([&](Bytes key, const Likeness& likeness) {
            if (likeness.first != likeness_of_first || key == *first) return;
            if (!second || key < *second) second = key;
        });
        const std::size_t columns = groups_.query.group_by.size();
        std::vector<std::string> texts;
        split_key(*first, columns, texts);
        split_key(*second, columns, texts_);
        std::size_t column = 0;
        while (texts[column] == texts_[column]) ++column;
        Sighting& sighting = doubts_.of(Doubt::similar_groups);
        sighting.count = found.size() - alike_.size();
        sighting.column = groups_.query.group_by[column].column;
        sighting.example = show(texts[column]) + " and " + show(texts_[column]);
    }

    template <typename Take>
    void each_alike(const Take& take) {
        each_group(groups_, [&](Bytes key, const auto&) {
            const Likeness likeness = likeness_of(key);
            if (std::ranges::binary_search(alike_, likeness.first)) take(key, likeness);
            return true;
        });
    }

    /// Whether a row may sum the others: it has all sums, and no other row in its group changes
    /// them. One that is named as a total is reported already.
    bool may_be_sum(End& end) const {
        const EndRow& row = end.row;
        if (!row.known || end.named || sums_.empty() || groups_.rows <= least_summed) return false;
        if (row.sums.size() != sums_.size()) return false;
        std::size_t digits = 0;
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            Decimal number;
            if (!read_any_number(row.sums[i], {}, number)) return false;
            const bool alone = compare(number, end.of_group[i]) == 0;
            if (!alone && !groups_.query.group_by.empty()) return false;
            end.numbers.push_back(std::move(number));
            digits += significant_digits(row.sums[i]);
        }
        return digits >= (groups_.rows > many_summed ? 1 : least_digits);
    }

    /// Tells a row if it sums all others. Returns whether it does.
    bool tell_sum(const End& end) {
        std::vector<Decimal> sums(sums_.size());
        each_group(groups_, [&](Bytes, const auto& state) {
            add_sums(state, sums);
            return true;
        });
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            Decimal twice = end.numbers[i];
            twice.add(end.numbers[i]);
            if (compare(sums[i], twice) != 0) return false;
        }
        Sighting& sighting = doubts_.of(Doubt::sum_row);
        sighting.count = 1;
        sighting.line = end.row.line;
        sighting.column = groups_.query.aggregates[sums_.front()].column;
        sighting.example = show(end.row.sums.front());
        return true;
    }

    /// Adds the sums of a group.
    template <typename State>
    void add_sums(const State& state, std::vector<Decimal>& to) const {
        std::string text;
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            text.clear();
            groups_.layout[sums_[i]].append_sum(state(sums_[i]), text);
            Decimal number;
            if (!text.empty() && read_any_number(text, {}, number)) to[i].add(number);
        }
    }

    const SurveyedGroups& groups_;
    Doubts& doubts_;
    End first_;
    End last_;
    std::vector<std::size_t> sums_;     ///< `summed_aggregates`.
    bool asks_for_sums_;                ///< Whether they are sums, and no means.
    std::vector<AllGroups> all_;        ///< Of each group column.
    std::vector<std::uint64_t> alike_;  ///< What keys that look alike have in common.
    KeyHash hash_;
    std::vector<std::string> texts_;
    std::string text_;
    std::string like_;
};

}  // namespace

void survey_groups(const SurveyedGroups& groups, Doubts& doubts, std::size_t most) {
    if (groups.rows > 0) Survey(groups, doubts).run(most, true);
}

void survey_ends(const SurveyedGroups& groups, Doubts& doubts, std::size_t most) {
    if (groups.rows > 0) Survey(groups, doubts).run(most, false);
}

}  // namespace csvmill
