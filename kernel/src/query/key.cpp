#include "query/key.hpp"

#include <algorithm>
#include <cstring>

#include "query/row_reader.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

constexpr std::size_t separator_size = 2;

/// 16 bytes that the compiler keeps in a vector register, where there are any.
using Chunk [[gnu::vector_size(16)]] = unsigned char;
constexpr std::size_t chunk = sizeof(Chunk);
static_assert(cell_padding == 2 * chunk);

Chunk load(const char* from) {
    Chunk bytes;
    std::memcpy(&bytes, from, chunk);
    return bytes;
}

/// 0xFF for each NUL, 0 for other bytes.
Chunk nuls(Chunk bytes) { return reinterpret_cast<Chunk>(bytes == 0); }

bool any(Chunk bytes) {
    std::uint64_t words[2];
    std::memcpy(words, &bytes, chunk);
    return (words[0] | words[1]) != 0;
}

/// Copies `text`, and bytes after it, without a call, unless it is long: no branch depends on the
/// size of a short text.
char* copy(char* to, Bytes text) {
    std::memcpy(to, text.data(), cell_padding);
    if (text.size() > cell_padding) [[unlikely]]
        std::memcpy(to, text.data(), text.size());
    return to + text.size();
}

/// The number of NULs in `text`, which is followed by `chunk` bytes that are none.
std::size_t count_nuls(const char* text, std::size_t size) {
    std::size_t count = 0;
    const char* const end = text + size;
    while (text < end) {
        Chunk counts = {};
        // 255 is the most that a byte counts.
        for (int i = 0; i < 255 && text < end; ++i, text += chunk) counts -= nuls(load(text));
        for (std::size_t i = 0; i < chunk; ++i) count += counts[i];
    }
    return count;
}

/// Finds NULs in texts; no branch depends on the size of a short one.
class NulFinder {
public:
    void look_at(Bytes text) {
        if (text.size() > cell_padding) [[unlikely]] {
            found_long_ = found_long_ || text.find('\0') != Bytes::npos;
            return;
        }
        // Bytes after the text do not count.
        const char* const mask = masks.data() + (cell_padding - text.size());
        found_ |= nuls(load(text.data())) & load(mask);
        found_ |= nuls(load(text.data() + chunk)) & load(mask + chunk);
    }

    bool found() const { return found_long_ || any(found_); }

private:
    static constexpr std::array<char, 2 * cell_padding> masks = [] {
        std::array<char, 2 * cell_padding> bytes = {};
        for (std::size_t i = 0; i < cell_padding; ++i) bytes[i] = '\xFF';
        return bytes;
    }();

    Chunk found_ = {};
    bool found_long_ = false;
};

/// Makes any keys.
void make_escaped(Batch& batch) {
    std::array<std::size_t, batch_rows> ends;
    std::string& text = batch.key_text;
    clear_text(text);
    for (const std::uint16_t row : batch.selected) {
        for (std::size_t i = 0; i < batch.key_cells.size(); ++i) {
            append_key_text(text, (*batch.key_cells[i])[row], i == 0);
        }
        ends[row] = text.size();
    }
    std::size_t begin = 0;
    for (const std::uint16_t row : batch.selected) {
        batch.keys[row] = Bytes(text).substr(begin, ends[row] - begin);
        begin = ends[row];
    }
}

/// Makes keys of one text without NULs: the keys are the texts. Returns false if one has a NUL.
bool make_single(Batch& batch) {
    const Cells& cells = *batch.key_cells.front();
    for (const std::uint16_t row : batch.selected) batch.keys[row] = cells[row];
    NulFinder finder;
    for (const std::uint16_t row : batch.selected) finder.look_at(cells[row]);
    return !finder.found();
}

/// Makes `batch.key_text` large enough for all keys if no text has a NUL, and for copies in chunks.
void reserve_text(Batch& batch) {
    std::size_t size = batch.selected.size * separator_size * batch.key_cells.size();
    for (const Cells* cells : batch.key_cells) {
        const Bytes* const texts = cells->data();
        for (const std::uint16_t row : batch.selected) size += texts[row].size();
    }
    size += cell_padding;
    std::string& text = batch.key_text;
    if (text.capacity() > kept_text && size <= kept_text) clear_text(text);
    // Bytes of earlier batches are overwritten: to clear them first would take time.
    if (text.size() < size) text.resize(std::max(size, 2 * text.size()));
}

/// Makes keys of several texts without NULs. Returns false if one has a NUL. `Count`: their number
/// if it is known to the compiler, else 0.
template <std::size_t Count>
bool make_joined(Batch& batch) {
    reserve_text(batch);
    const std::size_t count = Count > 0 ? Count : batch.key_cells.size();
    std::array<const Bytes*, std::max<std::size_t>(Count, 1)> of_columns;
    for (std::size_t i = 0; i < Count; ++i) of_columns[i] = batch.key_cells[i]->data();
    const auto text = [&](std::size_t column, std::size_t row) {
        return Count > 0 ? of_columns[column][row] : (*batch.key_cells[column])[row];
    };
    Bytes* const keys = batch.keys.data();
    char* const begin = batch.key_text.data();
    char* to = begin;
    for (const std::uint16_t row : batch.selected) {
        const char* const key = to;
        to = copy(to, text(0, row));
        for (std::size_t i = 1; i < count; ++i) {
            std::memset(to, 0, separator_size);
            to = copy(to + separator_size, text(i, row));
        }
        keys[row] = Bytes(key, static_cast<std::size_t>(to - key));
    }
    std::memset(to, 0xFF, chunk);
    return count_nuls(begin, static_cast<std::size_t>(to - begin)) ==
           batch.selected.size * separator_size * (count - 1);
}

bool make_joined(Batch& batch) {
    switch (batch.key_cells.size()) {
        case 2:
            return make_joined<2>(batch);
        case 3:
            return make_joined<3>(batch);
        default:
            return make_joined<0>(batch);
    }
}

}  // namespace

void append_key_text(std::string& key, Bytes text, bool first) {
    if (!first) key.append(separator_size, '\0');
    for (std::size_t nul = text.find('\0'); nul != Bytes::npos; nul = text.find('\0')) {
        key.append(text, 0, nul + 1);
        key.push_back('\1');
        text.remove_prefix(nul + 1);
    }
    key.append(text);
}

void split_key(Bytes key, std::size_t count, std::vector<std::string>& texts) {
    texts.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::string& text = texts[i];
        text.clear();
        std::size_t nul = key.find('\0');
        while (nul != Bytes::npos && nul + 1 < key.size() && key[nul + 1] == '\1') {
            text.append(key, 0, nul + 1);
            key.remove_prefix(nul + 2);
            nul = key.find('\0');
        }
        text.append(key, 0, nul);
        const bool last = i + 1 == count;
        if (last ? nul != Bytes::npos
                 : nul == Bytes::npos || nul + 1 >= key.size() || key[nul + 1] != '\0') {
            throw StateError("the key of a group does not have its number of texts");
        }
        if (!last) key.remove_prefix(nul + separator_size);
    }
}

void make_keys(Batch& batch) {
    bool made = true;
    if (batch.key_cells.empty()) {
        for (const std::uint16_t row : batch.selected) batch.keys[row] = Bytes();
    } else if (batch.key_cells.size() == 1) {
        made = make_single(batch);
    } else {
        made = make_joined(batch);
    }
    if (!made) make_escaped(batch);
}

}  // namespace csvmill
