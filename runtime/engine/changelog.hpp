#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/prefetch.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/event_clock.hpp"
#include "runtime/entity/effects.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The changelog's bytes. One record of the changelog is a *pack*: a prefix and
/// entries. The first pack of a unit carries the unit header. The layout is
/// written down in docs/formats/changelog.md.
namespace freehold::engine::changelog {

/// A pack is closed when it would grow beyond this. One entry that is larger
/// has a pack of its own. Who looks up a single state reads the whole record,
/// and a log may keep 16 KiB with its own words in 4 pages (docs/adr/0009).
inline constexpr std::size_t pack_bytes_max = (std::size_t{16} << 10U) - 128;

inline constexpr std::uint8_t format_version = 1;

/// Kind and length.
inline constexpr std::size_t entry_prefix_bytes = 1 + 4;
/// Schema, sequence and the key's length.
inline constexpr std::size_t state_fields_bytes = 4 + 8 + 4;
/// A state's entry besides its key and its bytes.
inline constexpr std::size_t state_entry_overhead_bytes =
    entry_prefix_bytes + state_fields_bytes;

enum class entry_kind : std::uint8_t {
  header = 1,
  schema = 2,
  state = 3,
  held = 4,
  held_gone = 5,
  timer = 6,
  timer_gone = 7,
  answer = 8,
  event_time = 9,
  /// A `state` of an entity whose key's hash another entity had before it. A
  /// `state` can thus be told by the hash alone (`entity_table`).
  state_of_shared_hash = 10,
};

[[nodiscard]] constexpr bool is_state(entry_kind kind) noexcept {
  return kind == entry_kind::state || kind == entry_kind::state_of_shared_hash;
}

/// Where a shard stands, as of a unit.
struct unit_header {
  shard_epoch epoch;
  /// The next number of a held message or timer; none is given out twice.
  std::uint64_t next_number = 1;
  /// By topic name: indexes may change between two builds.
  std::vector<std::pair<std::string, next_offset>> positions;
};

struct schema_entry {
  std::uint32_t id = 0;
  std::string_view entity;
  std::string_view schema;
};

struct state_entry {
  std::uint32_t schema = 0;
  std::string_view key;
  std::uint64_t sequence = 0;
  std::string_view bytes;
};

/// A message that was taken and is not finished.
struct held_entry {
  std::uint64_t number = 0;
  std::string_view entity;
  std::string_view key;
  std::uint32_t attempts = 0;
  timestamp due;
  std::string_view last_error;
  // the record as it came
  std::string_view topic;
  record_offset offset;
  timestamp time;
  std::string_view value;
  std::string_view headers;
  /// Of its source partition and of the shard when it was taken. Last, and
  /// absent in what builds without event time, or without the second, wrote.
  timestamp source_watermark = before_all_time;
  timestamp watermark = before_all_time;
};

struct timer_entry {
  std::string_view entity;
  std::string_view key;
  std::string_view name;
  std::uint64_t number = 0;
  timestamp due;
  std::string_view message;
  std::uint32_t version = 1;
  std::string_view body;
  /// Last, and absent in what builds without event time wrote.
  timer_clock clock = timer_clock::processing_time;
};

/// Event time, as of a unit: the newest entry counts.
struct event_time_entry {
  timestamp watermark;
  time_mark announced;
  /// By topic name, as positions are.
  std::vector<std::pair<std::string, timestamp>> sources;
  /// By shard.
  std::vector<time_mark> marks;
};

/// The 128-bit hash of (entity type, key, event id).
struct message_fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const message_fingerprint&,
                         const message_fingerprint&) = default;
};

struct answer_entry {
  message_fingerprint id;
  timestamp time;
  std::uint8_t status = 0;
  std::string_view body;
};

/// Builds the packs of one shard in one unit. Buffers are kept and used again.
class pack_writer {
public:
  /// Starts a unit; the packs of the unit before are forgotten. Where the log
  /// takes less than `pack_bytes_max`, packs are closed at `bytes_max`.
  void begin(std::uint64_t unit, std::size_t bytes_max = pack_bytes_max);

  // Each returns the size of the entry in bytes.
  std::uint32_t put(const unit_header& header);
  std::uint32_t put(const schema_entry& entry);
  std::uint32_t put(const held_entry& entry);
  void put_held_gone(std::uint64_t number);
  std::uint32_t put(const timer_entry& entry);
  void put_timer_gone(std::string_view entity, std::string_view key,
                      std::string_view name);
  std::uint32_t put(const answer_entry& entry);
  std::uint32_t put(const event_time_entry& entry);

  /// Appends a state, encoded in place by `encode(std::string&)`. Returns the
  /// entry's size in bytes. @pre `is_state(kind)`
  template <class Encode>
  std::uint32_t put_state(entry_kind kind, std::uint32_t schema,
                          std::string_view key, std::uint64_t sequence,
                          Encode&& encode) {
    const std::size_t at = begin_entry(kind);
    std::string& out = *current_;
    char fixed[state_fields_bytes];
    const auto key_size = static_cast<std::uint32_t>(key.size());
    std::memcpy(fixed, &schema, 4);
    std::memcpy(fixed + 4, &sequence, 8);
    std::memcpy(fixed + 12, &key_size, 4);
    out.append(fixed, sizeof fixed).append(key);
    encode(out);
    return end_entry(at);
  }

  /// The pack that the last entry went to, counted from 0 in this unit.
  [[nodiscard]] std::size_t last_pack() const noexcept { return count_ - 1; }
  /// Where in it the last entry begins.
  [[nodiscard]] std::uint32_t last_at() const noexcept { return last_at_; }
  [[nodiscard]] std::size_t pack_count() const noexcept { return count_; }
  [[nodiscard]] std::string_view pack(std::size_t i) const { return packs_[i]; }
  [[nodiscard]] std::size_t bytes() const noexcept;

private:
  std::size_t begin_entry(entry_kind kind);
  std::uint32_t end_entry(std::size_t at);
  void new_pack();

  std::uint64_t unit_ = 0;
  std::size_t bytes_max_ = pack_bytes_max;
  std::vector<std::string> packs_;
  std::size_t count_ = 0;
  std::string* current_ = nullptr;
  std::uint32_t last_at_ = 0;
};

/// Walks the entries of one pack. The views point into the pack. What a restart
/// does with each of millions of states is inline.
class pack_reader {
public:
  /// Errors: `corrupt` for a pack that is cut, or of a version this build
  /// does not know.
  static result<pack_reader> open(std::string_view pack);

  struct entry {
    entry_kind kind = entry_kind::header;
    std::string_view payload;
    /// With kind and length: what the entry costs on disk.
    std::uint32_t bytes = 0;
    /// Where in the pack it begins.
    std::uint32_t at = 0;
  };

  [[nodiscard]] std::uint64_t unit() const noexcept { return unit_; }
  /// Whether there is another entry, which `found` is then.
  [[nodiscard]] bool next(entry& found) noexcept {
    if (rest_.size() < entry_prefix_bytes)
      return false;
    std::uint32_t size = 0;
    std::memcpy(&size, rest_.data() + 1, sizeof size);
    if (rest_.size() - entry_prefix_bytes < size)
      return false;
    const std::size_t whole = entry_prefix_bytes + size;
    prefetch_ahead(rest_.data(), read_ahead_bytes, whole);
    found.kind = static_cast<entry_kind>(rest_[0]);
    found.payload = rest_.substr(entry_prefix_bytes, size);
    found.bytes = static_cast<std::uint32_t>(whole);
    found.at = static_cast<std::uint32_t>(end_ - rest_.size());
    rest_.remove_prefix(whole);
    return true;
  }
  /// After the last entry: `corrupt` where lengths contradict the pack's.
  [[nodiscard]] result<void> end() const {
    return rest_.empty() ? result<void>{} : cut();
  }

  static result<unit_header> header(std::string_view payload);
  static result<schema_entry> schema(std::string_view payload);
  static result<state_entry> state(std::string_view payload) {
    state_entry found;
    std::uint32_t key_size = 0;
    if (payload.size() < state_fields_bytes)
      return cut();
    std::memcpy(&found.schema, payload.data(), 4);
    std::memcpy(&found.sequence, payload.data() + 4, 8);
    std::memcpy(&key_size, payload.data() + 12, 4);
    payload.remove_prefix(state_fields_bytes);
    if (payload.size() < key_size)
      return cut();
    found.key = payload.substr(0, key_size);
    found.bytes = payload.substr(key_size);
    return found;
  }
  /// The state that begins at that place of a pack; `corrupt` where none does.
  static result<state_entry> state_at(std::string_view pack, std::size_t at);
  static result<held_entry> held(std::string_view payload);
  static result<std::uint64_t> held_gone(std::string_view payload);
  static result<timer_entry> timer(std::string_view payload);
  /// Of a `timer_gone`, only entity, key and name are set.
  static result<timer_entry> timer_gone(std::string_view payload);
  static result<answer_entry> answer(std::string_view payload);
  static result<event_time_entry> event_time(std::string_view payload);

private:
  /// What is read comes from another thread's cache or from memory. As far
  /// ahead as some entries, into the next pack where that lies behind.
  static constexpr std::size_t read_ahead_bytes = 1024;

  pack_reader(std::string_view pack, std::size_t at, std::uint64_t unit)
      : rest_(pack.substr(at)), end_(pack.size()), unit_(unit) {}

  static error cut();

  std::string_view rest_;
  std::size_t end_;
  std::uint64_t unit_;
};

} // namespace freehold::engine::changelog
