#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/queue_waker.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::bridges::kafka {

/// Answers fetches: one consumer without a group's subscription, and each
/// partition with a queue of its own. Whoever does not fetch is not read from;
/// pausing would throw away what was read ahead, and lose records
/// (librdkafka #4208).
///
/// All calls, and the answers, are on one thread.
class partition_reader {
public:
  /// `not_found`: the position lies outside of what is kept.
  using answer = std::function<void(const ports::fetch_request& what,
                                    result<ports::record_batch_ptr> found)>;

  /// @param layout  outlives it
  partition_reader(const kafka_settings& how, serial_thread& home,
                   const ports::log_layout& layout, answer tell);
  ~partition_reader() { stop(); }
  partition_reader(const partition_reader&) = delete;
  partition_reader& operator=(const partition_reader&) = delete;

  result<void> start();
  /// Once, when a broker answers, so that the first fetches need not wait.
  void learn_topics();
  void fetch(const ports::fetch_request& what);
  void cancel(topic_partition source);
  [[nodiscard]] bool is_asked(topic_partition source) const;
  /// Whether it has read to that offset, where the log ended, and nothing was
  /// appended since as far as this node knows.
  [[nodiscard]] bool is_at_end(topic_partition source, next_offset at) const;
  /// Something was appended there: it ends at `to` or further behind.
  void appended(topic_partition target, next_offset to);
  /// Reads nothing ahead any more.
  void forget(topic_partition source);
  void stop();

private:
  struct partition_entry {
    queue_ptr queue;
    std::unique_ptr<queue_waker> waker;
    /// What comes next from the queue, or from what was taken from it.
    next_offset next{0};
    /// Where it ends, if it was read to there.
    std::optional<next_offset> end;
    /// An end before this is an old one.
    next_offset written_to{0};
    std::deque<message_ptr> ahead;
    std::optional<ports::fetch_request> asked;
    std::optional<error> failed;
    /// Taken since it was last pushed on.
    std::uint64_t bytes_since = 0;
    std::uint64_t records_since = 0;
  };

  void begin_at(topic_partition source, partition_entry& entry,
                next_offset from);
  void serve(topic_partition source);
  void take(partition_entry& entry);
  void push_on(topic_partition source, partition_entry& entry);
  [[nodiscard]] partitions_ptr one(topic_partition source,
                                   next_offset from) const;

  const kafka_settings how_;
  serial_thread& home_;
  const ports::log_layout& layout_;
  const std::vector<std::string> topic_names_; // as in the layout
  const answer tell_;
  /// Batches keep it, too.
  std::shared_ptr<rd_kafka_t> client_;
  std::vector<topic_ptr> topics_;
  std::map<topic_partition, partition_entry> partitions_;
  /// Half of what is read ahead of a partition.
  std::uint64_t push_bytes_ = 0;
  std::uint64_t push_records_ = 0;
  serial_thread pusher_; // asks brokers, which may take its time
};

} // namespace freehold::bridges::kafka
