#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/queue_waker.hpp"
#include "bridges/kafka/serial_thread.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace freehold::bridges::kafka {

/// The node's membership in the application's group: which shards are its own.
/// Its handle is subscribed to the topic of shards and reads nothing, so that
/// no rebalance can disturb what is read (librdkafka pauses what it reassigns).
///
/// All calls, and all that it tells, are on one thread; `stop` may be called
/// from another one when that has ended.
class group_member {
public:
  using shards = std::set<std::uint32_t>;

  struct listener {
    std::function<void(const shards&)> assigned;
    /// To be answered with `released`.
    std::function<void(const shards&)> to_release;
    std::function<void(const shards&)> lost;
    /// Another process has this node's membership, or the cluster refuses it
    /// for good. Told once.
    std::function<void(error)> refused;
  };

  group_member(const kafka_settings& how, serial_thread& home, listener tells);
  ~group_member() { stop(false); }
  group_member(const group_member&) = delete;
  group_member& operator=(const group_member&) = delete;

  result<void> start();
  void released(const shards& which);
  /// As whom positions are committed at this moment.
  [[nodiscard]] group_ptr identity() const;
  /// Keeps the membership for the session's time, so that a restart takes it
  /// up, or leaves the group, so that others take the shards at once.
  void stop(bool leaves);

private:
  void poll();
  void refuse(const error& why);
  void begin_anew(const error& why);
  void await_first_assignment();
  void leave_group();
  void rebalance(const rd_kafka_event_t& event);
  void assign(const rd_kafka_topic_partition_list_t& which);
  void revoke(const rd_kafka_topic_partition_list_t& which);
  void lose_asked();
  void answer_revoke();
  [[nodiscard]] partitions_ptr partitions_of(const shards& which) const;

  const kafka_settings how_;
  serial_thread& home_;
  const listener tells_;
  client_ptr client_;
  queue_ptr queue_;
  queue_waker waker_;
  std::uint32_t put_out_count_ = 0;
  bool is_refused_ = false;
  /// Of the present client.
  bool was_assigned_ = false;
  shards owned_;
  /// Asked back by the revoke under way, and of these not yet released.
  shards revoked_;
  shards awaited_;
};

} // namespace freehold::bridges::kafka
