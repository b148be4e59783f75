#include "groups/kept_values.hpp"

namespace csvmill {

KeptValues::KeptValues(const Aggregator& aggregator, const KeyHash& hash, Arena& arena,
                       Budget& budget)
    : reads_distinct_(aggregator.reads_distinct()) {
    switch (aggregator.keeps()) {
        case Aggregator::Keeps::none:
            break;
        case Aggregator::Keeps::all:
            log_.emplace(budget);
            break;
        case Aggregator::Keeps::distinct:
            set_.emplace(hash, arena, budget);
            break;
        case Aggregator::Keeps::counted:
            counted_.emplace(hash, arena, budget);
            break;
    }
}

void KeptValues::absorb(KeptValues& other, const std::vector<std::uint32_t>& numbers,
                        Budget& budget) {
    if (log_) {
        log_->absorb(*other.log_, numbers, budget);
    } else if (set_) {
        set_->absorb(*other.set_, numbers, budget);
    } else {
        counted_->absorb(*other.counted_, numbers, budget);
    }
}

void KeptValues::move_to(Arena& arena, Budget& budget, Account& left) {
    if (log_) {
        log_->account().move_to(left, budget);
    } else if (set_) {
        set_->move_to(arena, budget, left);
    } else {
        counted_->move_to(arena, budget, left);
    }
}

void KeptValues::prepare_results(std::size_t groups) {
    if (set_ && !reads_distinct_) {
        set_->count(groups);
    } else {
        arrange(groups);
    }
}

void KeptValues::arrange(std::size_t groups) {
    if (log_) {
        log_->arrange(groups);
    } else if (set_) {
        set_->arrange(groups);
    } else {
        counted_->arrange(groups);
    }
}

std::size_t KeptValues::count_of(std::uint32_t number) const {
    return log_   ? log_->count_of(number)
           : set_ ? set_->count_of(number)
                  : counted_->count_of(number);
}

void KeptValues::each_of(std::uint32_t number, const std::function<void(Bytes)>& take) const {
    if (set_) {
        set_->each_sorted(number, take);
        return;
    }
    std::string text;
    if (counted_) {
        counted_->each_sorted(number, [&](Bytes value, std::uint64_t count) {
            text.clear();
            append_counted(text, value, count);
            take(text);
        });
        return;
    }
    log_->each_sorted(number, [&](const Decimal& value) {
        text.clear();
        value.append_sortable(text);
        take(text);
    });
}

void KeptValues::values_of(std::uint32_t number, std::vector<Bytes>& to, std::string& text) const {
    to.clear();
    text.clear();
    if (set_) {
        set_->sorted(number, to);
        return;
    }
    std::vector<std::size_t> ends;
    each_of(number, [&](Bytes value) {
        text += value;
        ends.push_back(text.size());
    });
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        to.push_back(Bytes(text).substr(begin, end - begin));
        begin = end;
    }
}

}  // namespace csvmill
