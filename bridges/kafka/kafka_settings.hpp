#pragma once

#include "bridges/kafka/handles.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace freehold::bridges::kafka {

/// How a node reaches its cluster.
struct kafka_settings {
  using properties = std::map<std::string, std::string, std::less<>>;

  std::string bootstrap_servers;
  /// Names the consumer group, the transactional ids and the topic of shards;
  /// the same on all nodes.
  std::string application;
  /// Tells this node from the others, and stays through its restarts: its
  /// static membership (KIP-345) and its transactional id derive from it.
  std::string node_id;
  /// Of topics that are made; 0: the cluster's default.
  std::int32_t replication_factor = 0;
  /// How long a node that died keeps its shards.
  std::chrono::milliseconds session_timeout{10'000};
  /// How long a node that stands still can keep others from its shards.
  std::chrono::milliseconds transaction_timeout{10'000};
  /// librdkafka's own, for both kinds of client or for one, over our defaults;
  /// each passes `check_property`. An admin client is a producer in this.
  properties common{};
  properties consumer{};
  properties producer{};
};

/// The largest request to write; above the largest record of an engine with
/// room for what Kafka adds.
inline constexpr std::int32_t message_bytes_max = 2 << 20;

/// Why a property of librdkafka cannot have that value, and what to do; empty
/// where it can. Those that exactly-once rests on, and those that have an
/// option of their own, are refused whatever their value.
[[nodiscard]] std::string check_property(std::string_view name,
                                         std::string_view value);

enum class client_role : std::uint8_t {
  /// A member of the group: has shards, reads nothing.
  member,
  /// Reads committed records of partitions that it is told.
  reader,
  /// The same, but of single records here and there.
  point_reader,
  /// Sees what is not committed, too: asks how far partitions go.
  end_finder,
  /// Writes transactions. `transactional_id` tells them apart.
  producer,
  /// Makes topics, deletes records.
  admin,
};

/// A client of that role. Errors: `invalid_argument` with what the library says
/// of the properties, or the property that cannot be set.
/// @param transactional_id  of a producer
[[nodiscard]] result<client_ptr>
open_client(const kafka_settings& how, client_role role,
            const std::string& transactional_id = {});

/// That no broker of the cluster answers, and what to look at.
[[nodiscard]] error unreachable(const kafka_settings& how,
                                rd_kafka_resp_err_t code);

} // namespace freehold::bridges::kafka
