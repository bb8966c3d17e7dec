#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/ports/log_reader.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace freehold::node {

/// How far an input of a shard is behind what is committed there.
struct partition_lag {
  std::string topic;
  std::uint32_t partition = 0;
  /// The next offset to take.
  next_offset position{0};
  /// One past the last committed record (on Kafka: the last stable offset).
  next_offset end{0};
  /// From the first record that was not taken to the end. On Kafka the ends of
  /// transactions count, but where there is no record it is zero.
  std::uint64_t records = 0;
  /// How old that first record is, by its own time.
  std::chrono::milliseconds behind{0};
  /// The shard reads nothing, because it is at a bound.
  bool is_paused = false;
};

/// Asks a log how far behind somebody is. One thread at a time; the reader and
/// the clock outlive it.
class lag_meter {
public:
  lag_meter(ports::log_reader& from, const engine::application_plan& plan,
            const clock& time)
      : from_(from), plan_(plan), time_(time) {}

  struct position {
    std::string topic;
    std::uint32_t partition = 0;
    next_offset next{0};
    bool is_paused = false;
  };
  /// Behind these positions. Never negative: a position ahead of an end that
  /// was read earlier is not behind. Errors: those of the reader.
  [[nodiscard]] result<std::vector<partition_lag>>
  of(const std::vector<position>& all);
  /// Behind what is committed, by the changelog, of every input of every shard.
  /// Errors: `not_found` before a node has run, `corrupt`, those of the reader.
  [[nodiscard]] result<std::vector<partition_lag>> committed();

private:
  [[nodiscard]] result<std::vector<partition_lag>> try_committed();
  [[nodiscard]] result<partition_lag>
  measure(const position& one,
          const std::vector<ports::topic_description>& topics);

  ports::log_reader& from_;
  const engine::application_plan& plan_;
  const clock& time_;
};

} // namespace freehold::node
