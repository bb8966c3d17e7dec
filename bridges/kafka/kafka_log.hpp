#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/transactional_producer.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/ports/changelog_copy.hpp"
#include "runtime/ports/event_log.hpp"

#include <atomic>
#include <memory>

namespace freehold::bridges::kafka {

class log_core;

/// The event log on a Kafka cluster. What a unit appends and the positions that
/// it has taken are one transaction; shards are the partitions of a topic that
/// the group's members share. Every unit is fenced by the group's generation:
/// it commits a position for each shard that it writes, read with the
/// generation in one step (KIP-447). ADR 12 has the protocol.
///
/// Threads: one of its own for all it tells, one for each producer, one each
/// for questions, lookups and the copy, and the library's.
class kafka_log final : public ports::event_log {
public:
  /// @param time  outlives the log
  /// @param copy  of this machine, of the changelog's shards; none: what is
  ///              not in memory is read from the cluster
  kafka_log(kafka_settings how, const clock& time,
            std::unique_ptr<ports::changelog_copy> copy = nullptr);
  ~kafka_log() override;

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override;
  void fetch(const ports::fetch_request& what) override;
  void cancel_fetch(topic_partition source) override;
  void look_up(std::shared_ptr<ports::lookup> what) override;
  void commit(std::shared_ptr<const ports::commit_unit> unit) override;
  void recover() override;
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override;
  void truncate(topic_partition target, next_offset before) override;
  void release(const std::vector<partition_index>& shards) override;
  void leave() override { leaves_ = true; }
  void stop() override;

  // -- for tests -------------------------------------------------------------

  using planned_end = transactional_producer::planned_end;
  /// How the next unit, or the next produced records, end.
  void plan_commit(planned_end how);
  void plan_produce(planned_end how);
  enum class movement : std::uint8_t { assigned, revoked, lost };
  /// As if the group had moved these shards; it knows nothing of it.
  void move(movement how, const std::vector<partition_index>& shards);

private:
  const kafka_settings how_;
  const clock& time_;
  std::unique_ptr<ports::changelog_copy> copy_;
  std::unique_ptr<log_core> core_;
  std::atomic<bool> leaves_{false};
  bool stopped_ = false;
};

} // namespace freehold::bridges::kafka
