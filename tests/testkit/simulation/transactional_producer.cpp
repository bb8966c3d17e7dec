#include "tests/testkit/simulation/transactional_producer.hpp"

namespace freehold::simulation {

using ports::commit_outcome;

namespace {

constexpr std::uint32_t tries_max = 3;
constexpr moment backoff = 20ms;

} // namespace

transactional_producer::transactional_producer(
    simulated_kafka& cluster, std::shared_ptr<connection> network, settings how)
    : cluster_(cluster),
      network_(std::move(network)),
      how_(std::move(how)),
      coordinator_(cluster.coordinator_of(how_.id)) {}

// -- questions ---------------------------------------------------------------

void transactional_producer::ask(std::uint32_t broker,
                                 std::function<kafka_error()> at_broker,
                                 ask_answer answered) {
  auto made = std::make_shared<question>();
  made->broker = broker;
  made->at_broker = std::move(at_broker);
  made->answered = std::move(answered);
  made->round = round_;
  send(made);
}

void transactional_producer::send(const std::shared_ptr<question>& what) {
  const std::uint32_t number = ++what->tries;
  network_->request(what->broker, [this, what, by = network_] {
    const kafka_error how = what->at_broker();
    by->answer(what->broker, [this, what, how] { settle(what, how); });
  });
  network_->after(how_.request_timeout, [this, what, number] {
    if (what->is_answered || !is_current(what->round) || what->tries != number)
      return;
    if (number < tries_max)
      return send(what);
    what->is_answered = true;
    finish(commit_outcome::failed,
           {errc::unavailable,
            "broker " + std::to_string(what->broker) + " does not answer"});
  });
}

void transactional_producer::settle(const std::shared_ptr<question>& what,
                                    kafka_error how) {
  if (what->is_answered || !is_current(what->round))
    return;
  if (how == kafka_error::concurrent_transactions) {
    network_->after(backoff, [this, what] {
      if (!what->is_answered && is_current(what->round))
        send(what);
    });
    return;
  }
  what->is_answered = true;
  what->answered(how);
}

// -- a new session -----------------------------------------------------------

void transactional_producer::init(std::function<void()> then) {
  ++round_;
  session_.reset();
  answer_ = nullptr;
  try_init(round_, then);
}

void transactional_producer::try_init(std::uint64_t round,
                                      const std::function<void()>& then) {
  // For ever: without a session there is nothing to do.
  const auto answered = std::make_shared<bool>(false);
  network_->request(coordinator_, [this, &cluster = cluster_, id = how_.id,
                                   timeout = how_.transaction_timeout, round,
                                   then, answered, by = network_,
                                   broker = coordinator_] {
    const auto given = cluster.transactions().init(id, timeout);
    by->answer(broker, [this, given, round, then, answered] {
      if (*answered || !is_current(round))
        return;
      *answered = true;
      if (given.error != kafka_error::none) {
        network_->after(backoff, [this, round, then] {
          if (is_current(round))
            try_init(round, then);
        });
        return;
      }
      session_ = given.session;
      sequences_.clear();
      then();
    });
  });
  network_->after(how_.request_timeout, [this, round, then, answered] {
    if (!*answered && is_current(round)) {
      *answered = true;
      try_init(round, then);
    }
  });
}

// -- a transaction -----------------------------------------------------------

void transactional_producer::run(transaction what,
                                 std::function<void(outcome)> answer) {
  ++round_;
  now_ = std::move(what);
  answer_ = std::move(answer);
  first_.clear();
  announce();
}

void transactional_producer::fail(kafka_error why) {
  finish(commit_outcome::failed,
         {why == kafka_error::invalid_producer_epoch ? errc::fenced
                                                     : errc::unavailable,
          std::string{name_of(why)}});
}

void transactional_producer::finish(commit_outcome how, error why) {
  if (!answer_)
    return;
  ++round_;
  now_ = {};
  outcome told{how, std::move(why), std::move(first_)};
  std::exchange(answer_, nullptr)(std::move(told));
}

void transactional_producer::announce() {
  std::set<place> all;
  for (const auto& [where, batch] : now_.batches)
    all.insert(where);
  if (all.empty())
    return send_offsets();
  ask(
      coordinator_,
      [&cluster = cluster_, id = how_.id, who = *session_, all] {
        return cluster.transactions().add(id, who, all);
      },
      [this](kafka_error how) {
        how == kafka_error::none ? produce() : fail(how);
      });
}

void transactional_producer::produce() {
  unanswered_ = now_.batches.size();
  for (const auto& [where, batch] : now_.batches) {
    const std::int32_t sequence = sequences_[where]++;
    const auto place_of_batch = std::make_shared<record_offset>();
    const auto at_broker = [&cluster = cluster_, id = how_.id, who = *session_,
                            where = where, sequence, batch = batch,
                            place_of_batch] {
      return cluster.produce(id, who, where, sequence, batch, *place_of_batch);
    };
    const std::uint32_t leader = cluster_.leader_of(where);
    ask(leader, at_broker,
        [this, where = where, place_of_batch](kafka_error how) {
          if (how != kafka_error::none)
            return fail(how);
          first_[where] = *place_of_batch;
          if (--unanswered_ == 0)
            send_offsets();
        });
    if (repeats_ > 0) {
      --repeats_;
      network_->request(leader, [at_broker] { (void)at_broker(); });
    }
  }
}

void transactional_producer::send_offsets() {
  auto offsets = now_.offsets();
  if (!offsets)
    return finish(commit_outcome::failed, offsets.error());
  if (!*offsets) {
    if (now_.batches.empty())
      return finish(commit_outcome::done, {}); // there is no transaction
    return end();
  }
  const auto what =
      std::make_shared<const offsets_to_send>(**std::move(offsets));
  ask(
      coordinator_,
      [&cluster = cluster_, id = how_.id, who = *session_, what] {
        return cluster.transactions().add(id, who,
                                          {cluster.offsets_of(what->group)});
      },
      [this, what](kafka_error how) {
        if (how != kafka_error::none)
          return fail(how);
        ask(
            cluster_.coordinator_of(what->group),
            [&cluster = cluster_, id = how_.id, who = *session_, what] {
              return cluster.commit_offsets(id, who, what->group, what->who,
                                            what->offsets);
            },
            [this](kafka_error answer) {
              answer == kafka_error::none ? end() : fail(answer);
            });
      });
}

void transactional_producer::end() {
  std::optional<std::pair<end_fault, moment>> fault;
  if (!end_plan_.empty()) {
    fault = end_plan_.front();
    end_plan_.pop_front();
  }
  const auto is_planned = [&](end_fault which) {
    return fault && fault->first == which;
  };
  const bool is_answered = !fault || is_planned(end_fault::refused);
  const auto round = round_;
  const schedule::task at_broker = [this, &cluster = cluster_, id = how_.id,
                                    who = *session_, round, is_answered,
                                    aborts = is_planned(end_fault::refused),
                                    by = network_, broker = coordinator_] {
    if (aborts)
      cluster.transactions().abort(id);
    const auto how = cluster.transactions().end(id, who, true);
    if (is_answered)
      by->answer(broker, [this, how, round] {
        if (!is_current(round))
          return;
        if (how == kafka_error::none)
          finish(commit_outcome::done, {});
        else
          fail(how);
      });
  };
  if (is_planned(end_fault::late))
    network_->request_late(coordinator_, fault->second, at_broker);
  else if (!is_planned(end_fault::lost))
    network_->request(coordinator_, at_broker);
  network_->after(how_.request_timeout, [this, round] {
    if (!is_current(round))
      return;
    cluster_.marks().reached(kafka_mark::commit_unknown);
    finish(commit_outcome::unknown,
           {errc::outcome_unknown, "the end of the transaction has no answer"});
  });
}

} // namespace freehold::simulation
