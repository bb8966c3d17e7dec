#pragma once

#include "bridges/log/lmdb_store.hpp"
#include "runtime/ports/event_log.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace freehold::bridges::log {

/// Answers the fetches and lookups of one embedded log on a thread of its own.
/// A fetch that waits for records is parked until `advanced` names its
/// partition; a lookup goes before fetches, because somebody stands still for
/// it.
/// Any thread may call.
class fetch_service {
public:
  /// Tells the listener something, never at the same time as somebody else.
  using tell_listener =
      std::function<void(const std::function<void(ports::log_listener&)>&)>;

  struct topic_entry {
    std::uint32_t stored = 0;
    std::uint32_t partition_count = 0;
  };

  fetch_service() = default;
  fetch_service(const fetch_service&) = delete;
  fetch_service& operator=(const fetch_service&) = delete;
  ~fetch_service() { stop(); }

  /// @param topics by the layout's order
  void start(std::shared_ptr<lmdb_store> store, std::vector<topic_entry> topics,
             tell_listener tell);
  void submit(const ports::fetch_request& what);
  void submit(std::shared_ptr<ports::lookup> what);
  void cancel(topic_partition source);
  /// Partitions have new records, or a new begin.
  void advanced(const std::vector<topic_partition>& partitions);
  /// Anything may have changed.
  void look_again();
  /// Returns when no answer is under way. Idempotent.
  void stop();

private:
  enum class phase : std::uint8_t { ready, running, parked };
  struct pending {
    ports::fetch_request what;
    phase at = phase::ready;
    /// Something came while it was running: look again before parking.
    bool again = false;
    /// Tells a fetch from the one it replaced.
    std::uint64_t number = 0;
  };

  void run();
  void serve(const pending& one);
  void serve(const std::shared_ptr<ports::lookup>& one);
  /// Where a partition of the layout is stored.
  result<stored_partition> find(topic_partition source) const;

  std::shared_ptr<lmdb_store> store_;
  std::vector<topic_entry> topics_;
  tell_listener tell_;
  std::mutex gate_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t last_number_ = 0;
  std::unordered_map<topic_partition, pending> pending_;
  std::deque<topic_partition> ready_;
  std::deque<std::shared_ptr<ports::lookup>> lookups_;
  std::thread thread_;
};

} // namespace freehold::bridges::log
