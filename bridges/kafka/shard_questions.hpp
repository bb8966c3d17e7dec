#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace freehold::bridges::kafka {

/// Asks the cluster what a new owner of shards must know, on a thread of its
/// own: the calls wait.
class shard_questions {
public:
  struct bounds {
    next_offset begin{0};
    /// Also of what is not committed yet.
    next_offset end{0};
    /// Positions of the group in the shard's inputs, where it has any.
    std::vector<std::pair<topic_partition, next_offset>> taken{};
  };
  using all_bounds = std::map<std::uint32_t, bounds>;

  /// @param changelog  the topic's name; empty: there is none
  shard_questions(const kafka_settings& how, const ports::log_layout& layout,
                  std::string changelog);
  ~shard_questions() { stop(); }

  result<void> start();
  /// First waits until no transaction with positions of these shards is open,
  /// so that no old owner's commit can follow; then how far their changelogs
  /// go. Tries as long as it takes. `then` runs on this thread.
  void bounds_of(std::set<std::uint32_t> shards,
                 std::function<void(all_bounds)> then);
  /// What a partition keeps. Tries as long as it takes.
  void range_of(std::string topic, std::uint32_t partition,
                std::function<void(bounds)> then);
  /// Waits for the question under way.
  void stop() { thread_.stop(); }

private:
  [[nodiscard]] result<all_bounds> ask(const std::set<std::uint32_t>& shards);
  /// Of these shards only `taken` is filled in.
  [[nodiscard]] result<all_bounds>
  ask_positions(const std::set<std::uint32_t>& shards);
  [[nodiscard]] result<bounds> ask(const std::string& topic,
                                   std::uint32_t partition);

  const kafka_settings how_;
  const ports::log_layout layout_;
  const std::string changelog_;
  client_ptr positions_;
  client_ptr ends_;
  serial_thread thread_; // ends first
};

} // namespace freehold::bridges::kafka
