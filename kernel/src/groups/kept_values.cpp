#include "groups/kept_values.hpp"

namespace csvmill {

KeptValues::KeptValues(const Aggregator& aggregator, const KeyHash& hash, Arena& arena,
                       Budget& budget) {
    if (aggregator.keeps() == Aggregator::Keeps::all) {
        log_.emplace(budget);
    } else {
        set_.emplace(hash, arena, budget);
    }
}

void KeptValues::absorb(KeptValues& other, const std::vector<std::uint32_t>& numbers,
                        Budget& budget) {
    if (log_) {
        log_->absorb(*other.log_, numbers, budget);
    } else {
        set_->absorb(*other.set_, numbers, budget);
    }
}

void KeptValues::move_to(Arena& arena, Budget& budget, Account& left) {
    if (log_) {
        log_->account().move_to(left, budget);
    } else {
        set_->move_to(arena, budget, left);
    }
}

void KeptValues::prepare_results(std::size_t groups) {
    if (log_) {
        log_->arrange(groups);
    } else {
        set_->count(groups);
    }
}

void KeptValues::arrange(std::size_t groups) {
    if (log_) {
        log_->arrange(groups);
    } else {
        set_->arrange(groups);
    }
}

std::size_t KeptValues::count_of(std::uint32_t number) const {
    return log_ ? log_->count_of(number) : set_->count_of(number);
}

void KeptValues::each_of(std::uint32_t number, const std::function<void(Bytes)>& take) const {
    if (set_) {
        set_->each_sorted(number, take);
        return;
    }
    std::string text;
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
    log_->each_sorted(number, [&](const Decimal& value) {
        value.append_sortable(text);
        ends.push_back(text.size());
    });
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        to.push_back(Bytes(text).substr(begin, end - begin));
        begin = end;
    }
}

}  // namespace csvmill
