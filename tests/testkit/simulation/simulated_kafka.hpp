#pragma once

#include "tests/testkit/simulation/consumer_group.hpp"
#include "tests/testkit/simulation/kafka_marks.hpp"
#include "tests/testkit/simulation/partition_log.hpp"
#include "tests/testkit/simulation/schedule.hpp"
#include "tests/testkit/simulation/transaction_coordinator.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::simulation {

/// The state of a Kafka cluster: partitions, groups, the transaction
/// coordinator. A call is what a broker does when a request has arrived; the
/// network lies in `connection`, the client in `simulated_log`.
///
/// It is as honest as what a bridge to a real cluster relies on: producers are
/// fenced by epochs, an ended transaction reaches its partitions one by one,
/// readers of committed records stop at the first open transaction of anybody,
/// an old generation's offsets are refused, a late request counts if its epoch
/// does.
///
/// Left out, because nothing of the engine could see it: replicas and changes
/// of leaders (acks=all is one replica that keeps everything), segments,
/// quotas, access lists, the newer transaction and group protocols (librdkafka
/// 2.0.2 speaks the older ones).
class simulated_kafka {
public:
  struct settings {
    std::uint32_t broker_count = 1;
    /// Of all groups.
    moment session_timeout = 6s;
    moment rebalance_timeout = 6s;
  };

  simulated_kafka(schedule& time, std::uint64_t seed, settings how);
  simulated_kafka(const simulated_kafka&) = delete;
  simulated_kafka& operator=(const simulated_kafka&) = delete;
  ~simulated_kafka();

  [[nodiscard]] schedule& time() noexcept { return time_; }
  [[nodiscard]] choices& chance() noexcept { return network_; }
  [[nodiscard]] kafka_marks& marks() noexcept { return marks_; }

  // -- topics and brokers ----------------------------------------------------

  /// Makes missing topics; gives the number of each topic of the layout.
  /// Errors: `mismatch`.
  result<std::vector<std::uint32_t>> ensure(const ports::log_layout& layout);
  [[nodiscard]] partition_log& at(place where) {
    return topics_[where.topic].partitions[where.partition];
  }
  [[nodiscard]] std::uint32_t broker_count() const noexcept {
    return how_.broker_count;
  }
  /// The broker that leads a partition.
  [[nodiscard]] std::uint32_t leader_of(place where) const noexcept {
    return (where.topic + where.partition) % how_.broker_count;
  }
  /// The broker that coordinates a transactional id or a group.
  [[nodiscard]] std::uint32_t
  coordinator_of(std::string_view id) const noexcept;
  /// What goes to or from a broker through that lane stands still while the
  /// broker does.
  void add_lane(std::uint32_t broker, schedule::lane which);

  // -- requests --------------------------------------------------------------

  [[nodiscard]] transaction_coordinator& transactions() noexcept {
    return transactions_;
  }
  /// Made with the first call for its name.
  consumer_group& group(const std::string& name, std::uint32_t shard_count);
  [[nodiscard]] consumer_group& group(const std::string& name) {
    return *groups_.at(name).coordinator;
  }
  /// The partition in which a group's offsets lie.
  [[nodiscard]] place offsets_of(const std::string& group) const {
    return {offsets_topic, groups_.at(group).number};
  }

  kafka_error produce(const std::string& id, producer_session who, place where,
                      std::int32_t sequence,
                      const std::shared_ptr<const producer_batch>& what,
                      record_offset& first);
  kafka_error commit_offsets(const std::string& id, producer_session producer,
                             const std::string& group,
                             const member_identity& who,
                             const group_offsets& offsets);
  /// DeleteRecords: nobody asks who sends it.
  void delete_records(place where, next_offset before);
  /// Calls `look` when something of a partition changes, once. One for each
  /// waiter: the last one.
  void park(place where, std::uint64_t waiter, std::function<void()> look);
  [[nodiscard]] std::uint64_t new_waiter() noexcept { return ++waiters_; }

  // -- from outside ----------------------------------------------------------

  /// By somebody who knows nothing of transactions. Throws
  /// `std::invalid_argument` for a topic that is not there.
  void append_from_outside(std::string_view topic, partition_index partition,
                           timestamp when, std::string_view key,
                           std::string_view value, header_list headers);
  /// All that is committed, in no time: for whoever checks.
  [[nodiscard]] ports::log_reader& reader() noexcept;
  /// Grows with everything that becomes visible.
  [[nodiscard]] std::uint64_t change_count() const noexcept { return changes_; }
  [[nodiscard]] shard_epoch next_epoch() noexcept {
    return shard_epoch{++epochs_};
  }

  // -- faults ----------------------------------------------------------------

  /// The broker answers nobody until then.
  void stop_broker(std::uint32_t broker, moment until);
  /// One marker of the next transaction that ends is that late.
  void delay_next_marker(moment by) { marker_delay_ = by; }
  /// What retention does: deletes records whoever may still need them.
  void expire_records(std::string_view topic, partition_index partition,
                      next_offset before);
  /// Ends all of the above, and every clogged connection.
  void mend();

private:
  struct topic_entry {
    ports::topic_spec spec;
    std::vector<partition_log> partitions;
    std::vector<std::map<std::uint64_t, std::function<void()>>> parked;
  };
  struct group_entry {
    std::unique_ptr<consumer_group> coordinator;
    std::uint32_t number = 0;
  };
  class reader_of_all;

  void send_marker(place where, producer_session who, bool commit,
                   schedule::task written);
  void write_marker(place where, producer_session who, bool commit);
  void changed(place where);
  [[nodiscard]] place find(std::string_view topic,
                           partition_index partition) const;

  schedule& time_;
  const settings how_;
  choices network_;
  kafka_marks marks_;
  /// By broker, several: markers of different lanes overtake each other.
  std::vector<schedule::lane> marker_lanes_;
  /// By broker: all lanes that stand still with it.
  std::vector<std::vector<schedule::lane>> lanes_;
  std::vector<moment> stopped_until_;
  std::vector<topic_entry> topics_;
  transaction_coordinator transactions_;
  std::map<std::string, group_entry> groups_;
  std::optional<moment> marker_delay_;
  std::uint64_t changes_ = 0;
  std::uint64_t epochs_ = 0;
  std::uint64_t waiters_ = 0;
  std::unique_ptr<reader_of_all> reader_;
};

} // namespace freehold::simulation
