#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/transactional_producer.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/ports/event_log.hpp"

#include <memory>

namespace freehold::bridges::kafka {

/// The event log on a Kafka cluster. What a unit appends and the positions that
/// it has taken are one transaction; shards are the partitions of a topic that
/// the group's members share. Every unit is fenced by the group's generation:
/// it commits a position for each shard that it writes, read with the
/// generation in one step (KIP-447). ADR 12 has the protocol.
///
/// Threads: one of its own for all it tells, one for each producer, one for
/// questions and one for lookups, and the library's.
class kafka_log final : public ports::event_log {
public:
  /// @param time  outlives the log
  kafka_log(kafka_settings how, const clock& time);
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
  void stop() override;

  // -- for tests -------------------------------------------------------------

  using planned_end = transactional_producer::planned_end;
  /// How the next unit, or the next produced records, end.
  void plan_commit(planned_end how);
  void plan_produce(planned_end how);

private:
  class core;
  const kafka_settings how_;
  const clock& time_;
  std::unique_ptr<core> core_;
  bool stopped_ = false;
};

} // namespace freehold::bridges::kafka
