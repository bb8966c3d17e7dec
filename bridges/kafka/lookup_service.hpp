#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/event_log.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace freehold::bridges::kafka {

/// Reads single records by their offsets, on a thread of its own with a
/// consumer of its own, one lookup after the other. One that hears nothing for
/// seconds ends as `unavailable`, so that nobody else's waits for its
/// partition; whoever wants it asks again.
class lookup_service {
public:
  /// On the service's thread, after all that was found.
  /// @param all_kept  no record was left out because it was deleted
  using answer = std::function<void(result<void>, bool all_kept)>;

  lookup_service(const kafka_settings& how,
                 std::vector<std::string> topic_names);
  ~lookup_service() { stop(); }

  result<void> start();
  void look_up(std::shared_ptr<ports::lookup> what, answer then);
  void stop();

private:
  [[nodiscard]] result<void> read(ports::lookup& what, bool& all_kept);
  [[nodiscard]] result<void> begin_at(topic_partition source, next_offset from);
  [[nodiscard]] result<next_offset> kept_from(topic_partition source);
  /// As of the last answer of the partition, also what is not committed.
  [[nodiscard]] std::int64_t written_to(topic_partition source) const;
  [[nodiscard]] error not_yet(topic_partition source,
                              std::int64_t offset) const;

  const kafka_settings how_;
  const std::vector<std::string> topic_names_;
  std::atomic<bool> stopping_{false};
  client_ptr client_;
  std::vector<topic_ptr> topics_;
  serial_thread thread_; // ends first
};

} // namespace freehold::bridges::kafka
