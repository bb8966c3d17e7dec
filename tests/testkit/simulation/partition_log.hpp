#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"
#include "tests/testkit/simulation/kafka_protocol.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace freehold::simulation {

/// What one producer appends to one partition at once, with its own copy of
/// the bytes.
struct producer_batch {
  std::vector<record> records;
  std::unique_ptr<char[]> bytes;
  std::uint64_t size_bytes = 0;

  static std::shared_ptr<producer_batch>
  copy(const std::vector<const ports::append*>& all);
};

/// One partition as its broker keeps it: batches, control markers that use up
/// offsets, transactions that are open, and up to where readers of committed
/// records may see.
class partition_log {
public:
  enum class appended : std::uint8_t { done, duplicate, fenced, out_of_order };

  [[nodiscard]] next_offset begin() const noexcept { return begin_; }
  /// The high-water mark: one past the last record or marker.
  [[nodiscard]] next_offset end() const noexcept { return end_; }
  /// The last stable offset: before the first record of any open transaction.
  [[nodiscard]] next_offset stable_end() const noexcept;
  [[nodiscard]] bool is_kept(next_offset from) const noexcept {
    return from >= begin_ && from <= end_;
  }

  /// @param sequence  counts the producer's batches here; one that was seen is
  ///   not appended again, a later one than the next is refused
  /// @param first  where the batch lies, also that of a duplicate
  appended append(producer_session who, std::int32_t sequence,
                  const std::shared_ptr<const producer_batch>& what,
                  record_offset& first);
  /// Outside of any transaction, by a producer without a session.
  record_offset append(const std::shared_ptr<const producer_batch>& what);

  /// The marker of a transaction's end.
  void end_transaction(producer_session who, bool commit);

  void truncate(next_offset before);

  /// Committed records, as `event_log::fetch` gives them.
  [[nodiscard]] result<ports::record_batch_ptr>
  read(next_offset from, std::uint32_t bytes_max, topic_partition as) const;
  /// Tells a lookup of its records. False, and nothing told: one of them lies
  /// behind the last stable offset.
  bool look_up(ports::lookup& what) const;

private:
  struct entry {
    next_offset base{0};
    std::shared_ptr<const producer_batch> what;
    producer_session who;
    bool aborted = false;
  };
  struct producer_state {
    std::int32_t epoch = -1;
    /// The next batch; the last ones with their places.
    std::int32_t next_sequence = 0;
    std::deque<std::pair<std::int32_t, record_offset>> recent;
  };
  struct view;

  /// A new epoch counts its batches from the beginning.
  static void adopt(producer_state& known, std::int32_t epoch);

  /// Batches whose places the broker remembers, as the real one does.
  static constexpr std::size_t recent_max = 5;

  [[nodiscard]] std::deque<entry>::const_iterator at(next_offset from) const;

  next_offset begin_{0};
  next_offset end_{0};
  std::deque<entry> entries_;
  std::map<std::int64_t, producer_state> producers_;
  /// By producer: the first offset of its open transaction.
  std::map<std::int64_t, next_offset> open_;
};

} // namespace freehold::simulation
