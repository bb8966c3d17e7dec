#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/engine/reason.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace freehold::engine {

class entity_cell;

/// A message that was taken from the log and is not finished: it failed and
/// waits for its retry, or it stands behind one that does.
struct held_message {
  std::uint64_t number = 0;
  std::uint32_t attempts = 0;
  /// When the head of the queue is tried again.
  timestamp due;
  std::string last_error;
  // the record as it came; its key is the entity's
  topic_index topic;
  record_offset offset;
  timestamp time;
  std::string value;
  std::string headers;
  /// Of its source partition and of the shard when it was taken. What waits
  /// behind it may be older than what the shard has come to since.
  timestamp source_watermark = before_all_time;
  timestamp watermark = before_all_time;
  /// Event time does not pass it: it came from a source, and what its handler
  /// tells goes by that watermark.
  bool holds_time = false;
  // its entry in the changelog
  std::uint64_t pack = 0;
  std::uint32_t packed_bytes = 0;

  /// Memory held, with room for the longest error.
  [[nodiscard]] static std::size_t bytes_of(std::string_view value,
                                            std::string_view headers) noexcept {
    return sizeof(held_message) + reason_bytes_max + value.size()
           + headers.size();
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_of(value, headers);
  }
};

/// All held messages of a shard, per entity in the order of their arrival.
/// The entity's `waiting` flag is set as long as it has any.
class waiting_room {
public:
  using queue = std::deque<held_message>;

  /// Puts a message behind the others of its entity.
  held_message& push(entity_cell& cell, held_message message);
  /// The message to finish first. @pre the cell is waiting
  held_message& front(entity_cell& cell);
  /// Takes the finished head off. Returns it.
  held_message pop(entity_cell& cell);
  /// Whether the entity still has messages here.
  [[nodiscard]] bool has(const entity_cell& cell) const;

  /// Notes when a cell's head is due.
  void set_due(entity_cell& cell, timestamp due);
  /// A cell whose head is due by `now`, or null.
  [[nodiscard]] entity_cell* next_due(timestamp now) const;
  /// When the first head is due; false where nothing waits.
  [[nodiscard]] bool first_due(timestamp& due) const;
  /// The event time that no mark may pass; `after_all_time` without any.
  [[nodiscard]] timestamp held_time() const {
    return times_.empty() ? after_all_time : *times_.begin();
  }

  /// The message with that number, or null.
  [[nodiscard]] held_message* find(std::uint64_t number);
  /// Whether the record at that place waits. Looks at all messages.
  [[nodiscard]] bool holds(topic_index topic, record_offset at) const;
  [[nodiscard]] entity_cell* cell_of(std::uint64_t number) const;

  [[nodiscard]] std::size_t size() const noexcept { return by_number_.size(); }
  /// Memory held: what the bound is on.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  void clear();

private:
  struct line {
    queue messages;
    timestamp due;
  };

  std::unordered_map<const entity_cell*, line> lines_;
  std::set<std::pair<timestamp, std::uint64_t>> due_; // and the head's number
  std::unordered_map<std::uint64_t, entity_cell*> by_number_;
  /// Source watermarks of those that hold time.
  std::multiset<timestamp> times_;
  std::uint64_t bytes_ = 0;
};

} // namespace freehold::engine
