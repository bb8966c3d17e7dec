#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The words of Kafka's protocol, as far as the simulation speaks it.
namespace freehold::simulation {

/// What a broker answers, by the names of the protocol.
enum class kafka_error : std::uint8_t {
  none,
  invalid_producer_epoch,
  concurrent_transactions,
  invalid_txn_state,
  out_of_order_sequence_number,
  fenced_instance_id,
  unknown_member_id,
  illegal_generation,
  rebalance_in_progress,
};

[[nodiscard]] std::string_view name_of(kafka_error which) noexcept;

/// A partition by the number of its topic in the cluster.
struct place {
  std::uint32_t topic = 0;
  std::uint32_t partition = 0;

  friend auto operator<=>(const place&, const place&) = default;
};

/// The partitions in which a group keeps its offsets: as such a part of
/// transactions. The partition is the group's number.
inline constexpr std::uint32_t offsets_topic = 0xFFFF'FFFF;
/// The empty topic whose partitions are the shards (section 6 of the design).
inline constexpr std::uint32_t shards_topic = 0xFFFF'FFFE;

/// A producer's session: both numbers go with everything it sends. A higher
/// epoch of the same id fences the lower ones (KIP-98).
struct producer_session {
  std::int64_t id = -1;
  std::int32_t epoch = -1;

  friend auto operator<=>(const producer_session&,
                          const producer_session&) = default;
};

/// A static member of a group as one of its processes (KIP-345).
struct member_identity {
  std::string instance;
  /// Given by the coordinator, another one to each process.
  std::string member;
  std::int32_t generation = -1;
};

using group_offsets = std::map<place, next_offset>;

} // namespace freehold::simulation
