#pragma once

#include "tests/testkit/simulation/connection.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace freehold::simulation {

/// One process as a static member of a group: joins, beats, and tells what is
/// assigned to it, what it is to let go, and what it has lost.
class group_member {
public:
  using shards = std::set<std::uint32_t>;
  struct settings {
    std::string group;
    std::string instance;
    std::uint32_t shard_count = 1;
    moment session_timeout = 6s;
  };
  struct listener {
    std::function<void(const shards&)> assigned;
    /// To be answered with `released`.
    std::function<void(const shards&)> to_release;
    std::function<void(const shards&)> lost;
  };

  group_member(simulated_kafka& cluster, std::shared_ptr<connection> network,
               settings how, listener tells);
  group_member(const group_member&) = delete;
  group_member& operator=(const group_member&) = delete;

  void start();
  void released(const shards& which);
  /// Asks the coordinator whether what we own is still ours; whatever we have
  /// lost is told before the answer.
  void make_sure(std::function<void()> then);

  [[nodiscard]] const member_identity& identity() const noexcept {
    return who_;
  }

  // -- faults ----------------------------------------------------------------

  /// Nothing is sent to the coordinator until then.
  void silence(moment until) { silent_until_ = until; }
  /// Lets all go, leaves, and comes back.
  void leave(moment back_after);
  /// As if the process had died when it had sent its first request to join,
  /// and that arrived so much later.
  void leave_join_behind(moment arrives_after);
  /// Those are found to be somebody else's.
  void lose(const shards& which);

private:
  void join();
  void joined(const consumer_group::assignment& what);
  void beat();
  void send_beat(std::function<void(kafka_error)> answered);
  void heard(kafka_error how);
  void lose_all();
  void leave_if_free();

  simulated_kafka& cluster_;
  std::shared_ptr<connection> network_;
  const settings how_;
  const listener tells_;
  const std::uint32_t coordinator_;
  member_identity who_;
  shards owned_;
  /// Of those owned, what was asked back.
  shards leaving_;
  bool joining_ = false;
  /// Answers to earlier requests are nobody's.
  std::uint64_t round_ = 0;
  moment heard_at_{0};
  moment silent_until_{0};
  bool is_started_ = false;
  bool is_away_ = false;
  bool is_leaving_ = false;
  moment back_after_{0};
};

} // namespace freehold::simulation
