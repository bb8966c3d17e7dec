#pragma once

#include "runtime/base/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace freehold::engine {

/// How an engine runs; every bound of it by name. The node's configuration
/// fills it in.
struct engine_options {
  std::uint32_t shard_count = 8;
  std::uint32_t worker_count = 2;
  /// Between the closes of two units.
  std::chrono::milliseconds commit_interval{100};
  /// A unit is closed early when a shard's part has grown to this; the shard
  /// takes nothing more until it could close. Small enough that what was
  /// handled is still in the processor's cache when it is packed
  /// (docs/performance.md).
  std::uint64_t unit_bytes_max = std::uint64_t{4} << 20U;
  /// One batch asked of the log. A shard keeps at most two per input.
  std::uint32_t fetch_bytes = 1U << 20U;
  /// Call entities directly; off: every message goes through a mailbox.
  bool direct_delivery = true;
  /// The largest record the log takes.
  std::size_t record_bytes_max = std::size_t{1} << 20U;
  /// Per shard: beyond it no input is read until messages finish.
  std::uint64_t held_bytes_max = std::uint64_t{64} << 20U;
  std::uint64_t timer_bytes_max = std::uint64_t{64} << 20U;

  /// What the entities of one type may take of the node's memory before idle
  /// ones leave it; they come back when they are wanted. What the unit under
  /// way has changed stays, so it may be more by `unit_bytes_max` per shard.
  std::uint64_t entity_bytes_max = std::uint64_t{1} << 30U;
  /// The same for single entity types, by name.
  std::map<std::string, std::uint64_t, std::less<>> entity_bytes_max_of;

  /// A message that fails is tried that often in all.
  std::uint32_t retry_attempts_max = 3;
  std::chrono::milliseconds retry_first_delay{2000};
  double retry_delay_factor = 2.0;
  /// A delay varies by this many percent of itself, up or down.
  std::uint32_t retry_jitter_percent = 20;

  std::chrono::milliseconds dedupe_window = std::chrono::hours{720};
  std::size_t dedupe_entries_max = 1'000'000;
  std::uint64_t dedupe_bytes_max = std::uint64_t{128} << 20U;

  /// The changelog may be this many times its live bytes ...
  double changelog_live_factor = 2.0;
  /// ... plus this, before compaction cuts its front.
  std::uint64_t changelog_slack_bytes = std::uint64_t{64} << 20U;

  /// A record that was being handled when the process died that often is
  /// dead-lettered instead of being handled again.
  std::uint32_t crash_attempts_max = 3;
  /// Restarts of a failed shard within `restart_window` before the node stops.
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds restart_window{60'000};

  std::string inbox_topic = "inbox";
  std::string changelog_topic = "changelog";
  std::string dead_letter_topic = "dead-letter-events";
};

} // namespace freehold::engine
