#pragma once

#include "tests/testkit/simulation/kafka_marks.hpp"
#include "tests/testkit/simulation/kafka_protocol.hpp"
#include "tests/testkit/simulation/schedule.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::simulation {

/// A consumer group as its coordinator keeps it: static members, generations,
/// cooperative rebalances, offsets with those of open transactions. It shares
/// out the partitions of one topic, the shards. Joining and syncing are one
/// request: the assignor (sticky, balanced) runs at once.
class consumer_group {
public:
  struct settings {
    std::uint32_t shard_count = 1;
    /// How long the coordinator waits for a member it hears nothing of.
    moment session_timeout = 6s;
    /// How long a rebalance waits for members to join again.
    moment rebalance_timeout = 6s;
  };

  consumer_group(schedule& time, kafka_marks& rare, const std::string& name,
                 settings how);
  consumer_group(const consumer_group&) = delete;
  consumer_group& operator=(const consumer_group&) = delete;

  // -- members ---------------------------------------------------------------

  struct assignment {
    kafka_error error{};
    std::string member;
    std::int32_t generation = -1;
    std::set<std::uint32_t> shards;
  };
  using join_answer = std::function<void(const assignment&)>;
  /// @param who  a new process comes without a member id
  /// @param owned  what it was assigned and has not let go
  /// @param answer  called when the rebalance is complete
  void join(const member_identity& who, const std::set<std::uint32_t>& owned,
            join_answer answer);
  kafka_error heartbeat(const member_identity& who);
  void leave(const member_identity& who);

  // -- offsets ---------------------------------------------------------------

  /// As part of a transaction; nothing is checked without offsets (KIP-447).
  kafka_error commit(producer_session producer, const member_identity& who,
                     const group_offsets& offsets);
  void end_transaction(producer_session producer, bool commit);
  /// Whether no offset of a shard is part of a transaction that has not ended:
  /// until then readers of stable offsets are told to come again.
  [[nodiscard]] bool offsets_stable(std::uint32_t shard) const;
  [[nodiscard]] std::optional<next_offset> offset(place where) const;

  // -- faults and checks -----------------------------------------------------

  /// Hears nothing more of a member: its shards are given to others.
  void expire(const std::string& instance);
  /// Assigns those to nobody, until they are given back.
  void withhold(const std::set<std::uint32_t>& shards);
  void give_back(const std::set<std::uint32_t>& shards);
  /// The members begin anew, without any reason.
  void rebalance();

  [[nodiscard]] bool is_owner(std::string_view instance,
                              partition_index shard) const;
  /// Whether every shard that may be had has an owner and nobody is waited
  /// for.
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] std::size_t member_count() const noexcept {
    return members_.size();
  }
  [[nodiscard]] std::int32_t generation() const noexcept { return generation_; }

private:
  struct member_entry {
    std::string member;
    moment last_heard{0};
    /// The generation that it has joined.
    std::int32_t generation = -1;
    std::set<std::uint32_t> assigned;
    /// Waits for a rebalance to complete.
    join_answer answer;
  };

  /// Null: no such member, or another process of it.
  member_entry* find(const member_identity& who, kafka_error& why);
  void begin_rebalance();
  void complete_if_all_joined();
  void complete();
  void choose_targets();
  void watch(const std::string& instance, const std::string& member);

  schedule& time_;
  kafka_marks& marks_;
  const settings how_;
  schedule::lane lane_;
  std::map<std::string, member_entry, std::less<>> members_;
  std::uint64_t last_member_ = 0;
  std::int32_t generation_ = 0;
  bool rebalancing_ = false;
  /// Tells one rebalance from the next.
  std::uint64_t rebalance_number_ = 0;
  std::set<std::uint32_t> withheld_;
  /// By shard, who is to have it; empty: nobody.
  std::vector<std::string> targets_;
  group_offsets offsets_;
  std::map<producer_session, group_offsets> pending_;
};

} // namespace freehold::simulation
