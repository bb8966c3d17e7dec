#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/event_log.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::bridges::kafka {

/// Kafka takes no record from before 1970, and librdkafka takes that very
/// moment for the present: earlier ones are written with this time.
inline constexpr timestamp earliest_time{1};

/// Positions for a transaction, and as whom they are committed. Both are taken
/// in one step, so that nothing that was lost is written under a new
/// generation.
struct offsets_to_send {
  partitions_ptr offsets;
  group_ptr group;
};

/// Writes transactions, one at a time, on a thread of its own: its calls wait
/// for the cluster. After any outcome but `done` comes `begin_anew`.
class transactional_producer {
public:
  struct transaction {
    /// Keeps what the records point to.
    std::vector<std::shared_ptr<const ports::unit_part>> parts;
    /// Asked for when all records are on their way. None: no positions.
    std::function<result<std::optional<offsets_to_send>>()> offsets;
  };
  struct outcome {
    ports::commit_outcome how = ports::commit_outcome::failed;
    error why{};
    /// With `done`: by part, the offsets of its appends in their order.
    std::vector<std::vector<std::int64_t>> places{};
  };

  /// @param topic_names  by their index in the layout
  /// @param refused  the cluster refuses it for good; on the producer's thread
  transactional_producer(const kafka_settings& how, std::string id,
                         std::vector<std::string> topic_names,
                         std::function<void(error)> refused);

  /// A new epoch: whatever of the one before is under way ends. Tries until it
  /// succeeds or is refused; `then` runs on the producer's thread.
  void begin_anew(std::function<void()> then);
  /// `then` runs on the producer's thread.
  void run(transaction what, std::function<void(outcome)> then);
  /// Waits for the call under way.
  void stop() {
    stopping_ = true;
    thread_.stop();
  }

  // -- for tests -------------------------------------------------------------

  enum class planned_end : std::uint8_t {
    failed,
    unknown_applied,
    unknown_lost
  };
  /// The next transaction ends like this.
  void plan_end(planned_end how);

private:
  [[nodiscard]] result<void> open();
  void close();
  [[nodiscard]] outcome write(const transaction& what);
  [[nodiscard]] result<void> send(const transaction& what);
  [[nodiscard]] result<void> send(const ports::append& one,
                                  std::int64_t* place);
  [[nodiscard]] result<void> send_positions(const transaction& what);
  [[nodiscard]] outcome commit();
  [[nodiscard]] outcome give_up(error why);

  const kafka_settings how_;
  const std::string id_;
  const std::vector<std::string> topic_names_;
  const std::function<void(error)> refused_;
  std::atomic<bool> stopping_{false};
  client_ptr client_;
  std::vector<topic_ptr> topics_; // of the client, by their index
  /// Where the records of the transaction under way lie; the client writes
  /// them, which therefore ends before.
  std::vector<std::vector<std::int64_t>> places_;
  std::optional<planned_end> planned_;
  serial_thread thread_; // ends first
};

} // namespace freehold::bridges::kafka
