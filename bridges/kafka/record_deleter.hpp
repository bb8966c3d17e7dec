#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/queue_waker.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/event_log.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace freehold::bridges::kafka {

/// Deletes the fronts of partitions (DeleteRecords, KIP-107). Nobody fences
/// that: whoever lets a partition go waits until it is `is_idle`. All calls and
/// answers are on one thread.
class record_deleter {
public:
  using answer = std::function<void(topic_partition, next_offset gone_before)>;

  /// @param answered  a request for that partition was answered, or given up;
  ///   nothing before `gone_before` is left, as far as is known
  record_deleter(const kafka_settings& how, serial_thread& home,
                 std::vector<std::string> topic_names, answer answered);
  ~record_deleter() { stop(); }
  record_deleter(const record_deleter&) = delete;
  record_deleter& operator=(const record_deleter&) = delete;

  result<void> start();
  /// Soon; a later call for the same partition may take the place of this one.
  void delete_before(topic_partition target, next_offset before);
  /// What has not been sent never is.
  void forget(topic_partition target);
  [[nodiscard]] bool is_idle(topic_partition target) const;
  void stop();

private:
  struct partition_entry {
    next_offset wanted{0};
    next_offset sent{0};
    next_offset gone{0};
    bool is_under_way = false;
    bool rests = false;
  };
  void send(topic_partition target, partition_entry& entry);
  void poll();

  const kafka_settings how_;
  serial_thread& home_;
  const std::vector<std::string> topic_names_;
  const answer answered_;
  client_ptr client_;
  queue_ptr queue_;
  queue_waker waker_;
  std::map<topic_partition, partition_entry> partitions_;
};

} // namespace freehold::bridges::kafka
