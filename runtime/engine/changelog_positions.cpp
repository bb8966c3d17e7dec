#include "runtime/engine/changelog_positions.hpp"

#include "runtime/engine/changelog.hpp"

#include <algorithm>
#include <cstdint>

namespace freehold::engine {

namespace {

using positions = std::vector<std::pair<std::string, next_offset>>;

constexpr std::uint32_t read_bytes = 1U << 20U;
/// How far back from the end a unit is looked for at first.
constexpr std::int64_t first_span = 64;

/// Of the last header in a pack, if there is one.
result<bool> take_header(std::string_view pack, positions& into) {
  auto reader = changelog::pack_reader::open(pack);
  if (!reader)
    return reader.error();
  bool found = false;
  changelog::pack_reader::entry next;
  while (reader->next(next)) {
    if (next.kind != changelog::entry_kind::header)
      continue;
    auto header = changelog::pack_reader::header(next.payload);
    if (!header)
      return header.error();
    into = std::move(header->positions);
    found = true;
  }
  if (const auto whole = reader->end(); !whole)
    return whole.error();
  return found;
}

} // namespace

result<positions> last_positions(ports::log_reader& from,
                                 topic_partition changelog,
                                 ports::partition_bounds bounds) {
  for (std::int64_t span = first_span;; span *= 8) {
    next_offset at =
        std::max(bounds.begin, next_offset{bounds.end.value() - span});
    const bool is_all = at == bounds.begin;
    positions last;
    bool found = false;
    while (at < bounds.end) {
      const auto batch = from.read(changelog, at, read_bytes);
      if (!batch)
        return batch.error();
      for (const record& each : (*batch)->records) {
        const auto has_header = take_header(each.value, last);
        if (!has_header)
          return has_header.error();
        found = found || *has_header;
      }
      if ((*batch)->next <= at)
        break;
      at = (*batch)->next;
    }
    if (found || is_all)
      return last;
  }
}

} // namespace freehold::engine
