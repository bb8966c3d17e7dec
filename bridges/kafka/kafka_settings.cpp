#include "bridges/kafka/kafka_settings.hpp"

#include "bridges/kafka/kafka_error.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// Properties that only we set, and why.
constexpr std::array locked{
    std::pair{"bootstrap.servers", "it is kafka.bootstrap-servers"},
    std::pair{"metadata.broker.list", "it is kafka.bootstrap-servers"},
    std::pair{"group.id", "it is the application's name"},
    std::pair{"group.instance.id", "it is node.id"},
    std::pair{"transactional.id", "it derives from node.id"},
    std::pair{"enable.idempotence", "transactions need it"},
    std::pair{"acks", "transactions need all of them"},
    std::pair{"request.required.acks", "transactions need all of them"},
    std::pair{"enable.auto.commit", "positions are committed with their unit"},
    std::pair{"auto.commit.enable", "positions are committed with their unit"},
    std::pair{"enable.auto.offset.store",
              "positions are committed with their unit"},
    std::pair{"isolation.level", "only committed records may be handled"},
    std::pair{"auto.offset.reset", "a position that is gone must not be "
                                   "replaced in silence"},
    std::pair{"enable.partition.eof", "the ends of partitions are watched"},
    std::pair{"partition.assignment.strategy",
              "shards move one by one, which cooperative-sticky does"},
    std::pair{"partitioner", "keys lie where the Java client puts them"},
    std::pair{"session.timeout.ms", "it is kafka.session-timeout-ms"},
    std::pair{"transaction.timeout.ms", "it is kafka.transaction-timeout-ms"},
    std::pair{"message.timeout.ms", "it follows from the transaction's"},
    std::pair{"delivery.timeout.ms", "it follows from the transaction's"},
    std::pair{"message.max.bytes", "it is what the topics are made with"},
    std::pair{"max.poll.interval.ms", "the node's own threads poll"},
    std::pair{"allow.auto.create.topics",
              "topics are made with their settings"},
};

/// What is wrong with it, or nothing; then it is set.
std::string try_to_set(rd_kafka_conf_t& conf, const std::string& name,
                       const std::string& value) {
  for (const auto& [ours, reason] : locked)
    if (name == ours)
      return std::string{"cannot be set: "}.append(reason);
  std::array<char, 256> why{};
  switch (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), why.data(),
                            why.size())) {
  case RD_KAFKA_CONF_OK:
    return {};
  case RD_KAFKA_CONF_UNKNOWN:
    return std::string{"librdkafka "}
        .append(rd_kafka_version_str())
        .append(" has no such property; its CONFIGURATION.md lists them");
  default:
    return std::string{"`"}
        .append(value)
        .append("` is refused: ")
        .append(why.data());
  }
}

constexpr std::int64_t heartbeat_ms_max = 1000;
constexpr std::int64_t poll_interval_ms_min = 60'000;

class builder {
public:
  explicit builder(conf_ptr conf) : conf_(std::move(conf)) {}

  /// Ours: a name that the library does not know is left out.
  void set(const char* name, const std::string& value) {
    std::array<char, 256> why{};
    if (rd_kafka_conf_set(conf_.get(), name, value.c_str(), why.data(),
                          why.size())
        != RD_KAFKA_CONF_OK)
      spdlog::debug("kafka: {} is not set: {}", name, why.data());
  }

  result<void> pass(const kafka_settings::properties& theirs) {
    for (const auto& [name, value] : theirs)
      if (const std::string wrong = try_to_set(*conf_, name, value);
          !wrong.empty())
        return error{errc::invalid_argument, "kafka: " + name + ": " + wrong};
    return {};
  }

  [[nodiscard]] conf_ptr take() { return std::move(conf_); }
  [[nodiscard]] rd_kafka_conf_t* get() const { return conf_.get(); }

private:
  conf_ptr conf_;
};

void log_line(const rd_kafka_t* client, int level, const char* facility,
              const char* text) {
  // A connection that comes and goes is no news; what it leads to is told
  // elsewhere.
  const std::string_view what = facility;
  const bool is_connection = what == "FAIL" || what == "ERROR";
  const auto how = is_connection ? spdlog::level::info
                   : level <= 3  ? spdlog::level::warn
                   : level <= 5  ? spdlog::level::info
                                 : spdlog::level::debug;
  spdlog::log(how, "kafka: {}: {}: {}", rd_kafka_name(client), facility, text);
}

/// Wakes a commit as soon as everything was delivered.
void delivered(rd_kafka_t*, const rd_kafka_message_t* what, void*) {
  // Whoever waits for its place passed it along with the record.
  if (what->_private != nullptr && what->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    *static_cast<std::int64_t*>(what->_private) = what->offset;
}

bool is_consumer(client_role role) noexcept {
  return role == client_role::member || role == client_role::reader
         || role == client_role::point_reader
         || role == client_role::end_finder;
}

result<conf_ptr> make_conf(const kafka_settings& how, client_role role,
                           const std::string& transactional_id) {
  builder conf{conf_ptr{rd_kafka_conf_new()}};
  const bool consumes = is_consumer(role);
  // What may be changed comes first.
  conf.set("client.id", "freehold-" + how.node_id);
  conf.set("socket.nagle.disable", "true");
  conf.set("socket.keepalive.enable", "true");
  conf.set("log.connection.close", "false");
  if (consumes) {
    // The topic of shards is empty for ever.
    conf.set("fetch.wait.max.ms", role == client_role::member ? "5000" : "100");
    conf.set("fetch.queue.backoff.ms", "10");
    conf.set("queued.min.messages", "100000");
    // Of each partition that is read.
    conf.set("queued.max.messages.kbytes", "16384");
    if (role == client_role::point_reader) {
      // It goes elsewhere as soon as it has what it wants.
      conf.set("fetch.wait.max.ms", "1");
      conf.set("queued.min.messages", "100");
      conf.set("fetch.message.max.bytes", "262144");
    }
    // The client wants no session to be longer.
    conf.set("max.poll.interval.ms",
             std::to_string(std::max<std::int64_t>(how.session_timeout.count(),
                                                   poll_interval_ms_min)));
    // By its answer a member hears that the group rebalances.
    conf.set("heartbeat.interval.ms",
             std::to_string(std::min<std::int64_t>(
                 how.session_timeout.count() / 5, heartbeat_ms_max)));
  } else {
    conf.set("compression.codec", "lz4");
    conf.set("linger.ms", "20");
    conf.set("queue.buffering.max.messages", "1000000");
    conf.set("message.max.bytes", std::to_string(message_bytes_max));
  }
  if (auto passed = conf.pass(how.common); !passed)
    return passed.error();
  if (auto passed = conf.pass(consumes ? how.consumer : how.producer); !passed)
    return passed.error();

  conf.set("bootstrap.servers", how.bootstrap_servers);
  conf.set("allow.auto.create.topics", "false");
  if (consumes) {
    conf.set("group.id", how.application);
    conf.set("enable.auto.commit", "false");
    conf.set("enable.auto.offset.store", "false");
    conf.set("auto.offset.reset", "error");
    conf.set("isolation.level", role == client_role::end_finder
                                    ? "read_uncommitted"
                                    : "read_committed");
    conf.set("enable.partition.eof",
             role == client_role::reader || role == client_role::point_reader
                 ? "true"
                 : "false");
  }
  if (role == client_role::member) {
    conf.set("group.instance.id", how.node_id);
    conf.set("partition.assignment.strategy", "cooperative-sticky");
    conf.set("session.timeout.ms", std::to_string(how.session_timeout.count()));
    rd_kafka_conf_set_events(conf.get(),
                             RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  }
  if (role == client_role::producer) {
    conf.set("transactional.id", transactional_id);
    conf.set("transaction.timeout.ms",
             std::to_string(how.transaction_timeout.count()));
    rd_kafka_conf_set_dr_msg_cb(conf.get(), delivered);
  }
  rd_kafka_conf_set_log_cb(conf.get(), log_line);
  return conf.take();
}

/// Nobody would guess it of what the brokers say then, "invalid credentials".
std::string scram_advice(const kafka_settings& how) {
  constexpr int mended = 0x020601ff;
  for (const char* const name : {"sasl.mechanism", "sasl.mechanisms"})
    if (const auto given = how.common.find(name);
        given != how.common.end() && given->second.starts_with("SCRAM")
        && rd_kafka_version() < mended)
      return std::string{". Brokers from Kafka 4.0 on refuse SCRAM of "
                         "librdkafka before 2.6.1, and this is "}
          .append(rd_kafka_version_str())
          .append(" (librdkafka #4895): use a client certificate, or PLAIN "
                  "over TLS");
  return {};
}

} // namespace

error unreachable(const kafka_settings& how, rd_kafka_resp_err_t code) {
  error why = to_error(code, "kafka: no broker of " + how.bootstrap_servers
                                 + " answers (kafka.bootstrap-servers)");
  why.context += "; does the cluster run there, and does it take this "
                 "node's certificate or password?"
                 + scram_advice(how);
  return why;
}

std::string check_property(std::string_view name, std::string_view value) {
  const conf_ptr conf{rd_kafka_conf_new()};
  return try_to_set(*conf, std::string{name}, std::string{value});
}

result<client_ptr> open_client(const kafka_settings& how, client_role role,
                               const std::string& transactional_id) {
  auto conf = make_conf(how, role, transactional_id);
  if (!conf)
    return conf.error();
  std::array<char, 512> why{};
  rd_kafka_t* const made =
      rd_kafka_new(is_consumer(role) ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                   conf->get(), why.data(), why.size());
  if (made == nullptr)
    return error{errc::invalid_argument,
                 std::string{"kafka: a client cannot be made: "} + why.data()};
  (void)conf->release(); // it is the client's now
  return client_ptr{made};
}

} // namespace freehold::bridges::kafka
