#pragma once

#include "tests/testkit/simulation/kafka_marks.hpp"
#include "tests/testkit/simulation/kafka_protocol.hpp"
#include "tests/testkit/simulation/schedule.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace freehold::simulation {

/// Who decides how transactions end, by transactional id. A call is what the
/// broker does when the request has arrived.
///
/// It speaks the older transaction protocol, as librdkafka does: the epoch
/// stays the same from one transaction to the next, so that a late end of one
/// may end the next (KAFKA-17754).
class transaction_coordinator {
public:
  /// Writes a marker to one partition some time and then calls `written`.
  using marker_sender = std::function<void(
      place where, producer_session who, bool commit, schedule::task written)>;

  transaction_coordinator(schedule& time, kafka_marks& rare,
                          marker_sender send_marker)
      : time_(time),
        marks_(rare),
        send_marker_(std::move(send_marker)),
        lane_(time.open("transaction coordinator")) {}

  struct init_answer {
    kafka_error error{};
    producer_session session;
  };
  /// Fences who had the id before and aborts what it left open; answers with
  /// `concurrent_transactions` until that is done.
  init_answer init(const std::string& id, moment timeout);
  /// Begins a transaction with the first partition.
  kafka_error add(const std::string& id, producer_session who,
                  const std::set<place>& which);
  /// Answered when it is decided; the markers are written later.
  kafka_error end(const std::string& id, producer_session who, bool commit);

  /// What a partition's leader asks before it appends (KIP-890, part 1).
  [[nodiscard]] kafka_error verify(const std::string& id, producer_session who,
                                   place where) const;

  /// Aborts the open transaction of a producer, as after its timeout. False:
  /// it has none.
  bool abort(const std::string& id);
  /// Transactions that are open or whose markers are not all written.
  [[nodiscard]] std::size_t unfinished_count() const noexcept;

private:
  enum class txn_state : std::uint8_t { empty, ongoing, prepared, complete };
  struct transaction {
    producer_session session;
    txn_state state = txn_state::empty;
    bool commits = false;
    moment timeout{0};
    /// Tells one transaction from the next.
    std::uint64_t number = 0;
    std::set<place> partitions;
    std::size_t markers_left = 0;
  };

  void complete(transaction& of, bool commit);

  schedule& time_;
  kafka_marks& marks_;
  marker_sender send_marker_;
  schedule::lane lane_;
  std::map<std::string, transaction> all_;
  std::int64_t last_producer_ = 0;
  std::uint64_t last_number_ = 0;
};

} // namespace freehold::simulation
