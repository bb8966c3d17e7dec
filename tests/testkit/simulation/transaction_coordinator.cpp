#include "tests/testkit/simulation/transaction_coordinator.hpp"

#include <algorithm>

namespace freehold::simulation {

transaction_coordinator::init_answer
transaction_coordinator::init(const std::string& id, moment timeout) {
  auto& of = all_[id];
  if (of.state == txn_state::prepared) {
    marks_.reached(kafka_mark::markers_awaited);
    return {kafka_error::concurrent_transactions, {}};
  }
  if (of.session.id < 0)
    of.session.id = ++last_producer_;
  ++of.session.epoch;
  of.timeout = timeout;
  if (of.state == txn_state::ongoing) {
    marks_.reached(kafka_mark::aborted_by_next_life);
    complete(of, false);
    return {kafka_error::concurrent_transactions, {}};
  }
  of.state = txn_state::empty;
  return {kafka_error::none, of.session};
}

kafka_error transaction_coordinator::add(const std::string& id,
                                         producer_session who,
                                         const std::set<place>& which) {
  auto& of = all_[id];
  if (who != of.session) {
    marks_.reached(kafka_mark::old_epoch_refused);
    return kafka_error::invalid_producer_epoch;
  }
  if (of.state == txn_state::prepared) {
    marks_.reached(kafka_mark::markers_awaited);
    return kafka_error::concurrent_transactions;
  }
  if (of.state != txn_state::ongoing) {
    of.state = txn_state::ongoing;
    of.number = ++last_number_;
    of.partitions.clear();
    time_.post_after(of.timeout, lane_, [this, &of, number = of.number] {
      if (of.number != number || of.state != txn_state::ongoing)
        return;
      marks_.reached(kafka_mark::aborted_by_coordinator);
      ++of.session.epoch;
      complete(of, false);
    });
  }
  of.partitions.insert(which.begin(), which.end());
  return kafka_error::none;
}

kafka_error transaction_coordinator::verify(const std::string& id,
                                            producer_session who,
                                            place where) const {
  const auto known = all_.find(id);
  if (known == all_.end() || who != known->second.session) {
    marks_.reached(kafka_mark::old_epoch_refused);
    return kafka_error::invalid_producer_epoch;
  }
  if (known->second.state != txn_state::ongoing
      || !known->second.partitions.contains(where))
    return kafka_error::invalid_txn_state;
  return kafka_error::none;
}

kafka_error transaction_coordinator::end(const std::string& id,
                                         producer_session who, bool commit) {
  auto& of = all_[id];
  if (who != of.session) {
    marks_.reached(kafka_mark::late_end_refused);
    return kafka_error::invalid_producer_epoch;
  }
  if (of.state == txn_state::empty)
    return kafka_error::invalid_txn_state;
  if (of.state == txn_state::ongoing) {
    complete(of, commit);
    return kafka_error::none;
  }
  return of.commits == commit ? kafka_error::none
                              : kafka_error::invalid_txn_state;
}

bool transaction_coordinator::abort(const std::string& id) {
  const auto known = all_.find(id);
  if (known == all_.end() || known->second.state != txn_state::ongoing)
    return false;
  marks_.reached(kafka_mark::aborted_by_coordinator);
  ++known->second.session.epoch;
  complete(known->second, false);
  return true;
}

std::size_t transaction_coordinator::unfinished_count() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& each) {
        return each.second.state == txn_state::ongoing
               || each.second.state == txn_state::prepared;
      }));
}

/// Decided, and written to the coordinator's own log; the partitions hear of
/// it one by one.
void transaction_coordinator::complete(transaction& of, bool commit) {
  of.state = txn_state::prepared;
  of.commits = commit;
  of.markers_left = of.partitions.size();
  if (of.markers_left == 0)
    of.state = txn_state::complete;
  for (const place where : of.partitions)
    send_marker_(where, of.session, commit, [this, &of] {
      if (--of.markers_left == 0)
        of.state = txn_state::complete;
      else
        marks_.reached(kafka_mark::torn_view);
    });
}

} // namespace freehold::simulation
