#pragma once

#include "tests/testkit/simulation/connection.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// What becomes of the request that ends a transaction.
enum class end_fault : std::uint8_t {
  /// The coordinator has aborted the transaction before.
  refused,
  /// It is carried out, and its answer is lost.
  applied,
  /// It is lost itself.
  lost,
  /// It arrives after its producer has given it up.
  late,
};

/// A producer with a transactional id, one transaction at a time: partitions
/// are announced, batches are produced, offsets are sent, the transaction is
/// ended. Whatever has no answer in time is sent again and recognised there;
/// only the end is sent once, because a second one might end the transaction
/// after (KAFKA-17754).
class transactional_producer {
public:
  struct settings {
    std::string id;
    moment request_timeout = 2s;
    moment transaction_timeout = 10s;
  };
  transactional_producer(simulated_kafka& cluster,
                         std::shared_ptr<connection> network, settings how);
  transactional_producer(const transactional_producer&) = delete;
  transactional_producer& operator=(const transactional_producer&) = delete;

  /// Begins anew: gives up what is under way without an answer, fences it, and
  /// calls `then` when no marker of it is missing.
  void init(std::function<void()> then);

  struct offsets_to_send {
    std::string group;
    member_identity who;
    group_offsets offsets;
  };
  struct transaction {
    std::map<place, std::shared_ptr<const producer_batch>> batches;
    /// Called when they are to be sent; none, or the reason to give up.
    std::function<result<std::optional<offsets_to_send>>()> offsets;
  };
  struct outcome {
    ports::commit_outcome how = ports::commit_outcome::failed;
    error why;
    /// Where each batch lies.
    std::map<place, record_offset> first;
  };
  /// @pre `init` was answered, nothing is under way; after an outcome other
  /// than `done` comes an `init`.
  void run(transaction what, std::function<void(outcome)> answer);

  [[nodiscard]] bool is_ready() const noexcept { return session_.has_value(); }
  void plan_end(end_fault how, moment by) { end_plan_.emplace_back(how, by); }
  /// The next batch is sent twice.
  void repeat_next_batch() { ++repeats_; }

private:
  using ask_answer = std::function<void(kafka_error)>;
  struct question {
    std::uint32_t broker = 0;
    std::function<kafka_error()> at_broker;
    ask_answer answered;
    std::uint64_t round = 0;
    std::uint32_t tries = 0;
    bool is_answered = false;
  };

  /// Asks until there is an answer or the tries are used up.
  void ask(std::uint32_t broker, std::function<kafka_error()> at_broker,
           ask_answer answered);
  void send(const std::shared_ptr<question>& what);
  void settle(const std::shared_ptr<question>& what, kafka_error how);
  [[nodiscard]] bool is_current(std::uint64_t round) const noexcept {
    return round == round_;
  }
  void try_init(std::uint64_t round, const std::function<void()>& then);

  void announce();
  void produce();
  void send_offsets();
  void end();
  void finish(ports::commit_outcome how, error why);
  void fail(kafka_error why);

  simulated_kafka& cluster_;
  std::shared_ptr<connection> network_;
  const settings how_;
  const std::uint32_t coordinator_;
  std::optional<producer_session> session_;
  std::map<place, std::int32_t> sequences_;
  /// Answers to earlier ones are nobody's.
  std::uint64_t round_ = 0;
  transaction now_;
  std::function<void(outcome)> answer_;
  std::map<place, record_offset> first_;
  std::size_t unanswered_ = 0;
  std::deque<std::pair<end_fault, moment>> end_plan_;
  std::uint32_t repeats_ = 0;
};

} // namespace freehold::simulation
