#include "tests/testkit/simulation/group_member.hpp"

#include <utility>

namespace freehold::simulation {

namespace {

constexpr std::int64_t beats_per_session = 3;
constexpr moment backoff = 100ms;

} // namespace

group_member::group_member(simulated_kafka& cluster,
                           std::shared_ptr<connection> network, settings how,
                           listener tells)
    : cluster_(cluster),
      network_(std::move(network)),
      how_(std::move(how)),
      tells_(std::move(tells)),
      coordinator_(cluster.coordinator_of(how_.group)) {
  who_.instance = how_.instance;
  (void)cluster_.group(how_.group, how_.shard_count);
}

void group_member::start() {
  is_started_ = true;
  join();
  beat();
}

// -- joining -----------------------------------------------------------------

void group_member::join() {
  if (is_away_ || is_leaving_ || std::exchange(joining_, true))
    return;
  if (silent_until_ > cluster_.time().now()) {
    joining_ = false; // the next beat tries again
    return;
  }
  const auto round = ++round_;
  network_->request(coordinator_, [this, &cluster = cluster_,
                                   group = how_.group, who = who_,
                                   owned = owned_, round, by = network_,
                                   broker = coordinator_] {
    cluster.group(group).join(
        who, owned,
        [this, round, by, broker](const consumer_group::assignment& what) {
          by->answer(broker, [this, round, what] {
            if (round == round_)
              joined(what);
          });
        });
  });
}

void group_member::joined(const consumer_group::assignment& what) {
  joining_ = false;
  if (what.error != kafka_error::none) {
    lose_all();
    network_->after(backoff, [this] { join(); });
    return;
  }
  // Whoever has missed a generation holds nothing that it was not given anew:
  // what it owned may be somebody else's since, and the new generation would
  // let it write there.
  const bool missed_one = who_.generation >= 0 && !owned_.empty()
                          && what.generation > who_.generation + 1;
  const bool is_new = who_.member.empty();
  who_.member = what.member;
  who_.generation = what.generation;
  heard_at_ = cluster_.time().now();
  shards added;
  shards gone;
  for (const std::uint32_t each : what.shards)
    if (!owned_.contains(each) && !is_leaving_)
      added.insert(each);
  for (const std::uint32_t each : owned_)
    if (!what.shards.contains(each) && !leaving_.contains(each))
      gone.insert(each);
  if (missed_one) {
    for (const std::uint32_t each : shards{leaving_})
      if (!what.shards.contains(each))
        gone.insert(each);
    lose(gone);
  }
  owned_.insert(added.begin(), added.end());
  if (!added.empty())
    tells_.assigned(added);
  if (!missed_one && !gone.empty()) {
    leaving_.insert(gone.begin(), gone.end());
    tells_.to_release(gone);
  }
  // A static member that comes back is given what its process before had, and
  // nobody else is asked. Where that one died between what it was to let go and
  // the rebalance that would have followed, those shards are nobody's until the
  // next one.
  if (is_new)
    join();
}

void group_member::released(const shards& which) {
  bool any = false;
  for (const std::uint32_t each : which)
    if (leaving_.erase(each) > 0) {
      owned_.erase(each);
      any = true;
    }
  if (!any || !leaving_.empty())
    return;
  if (is_leaving_)
    return leave_if_free();
  // A join under way says what was owned before; another one follows it.
  joining_ = false;
  join();
}

// -- beats -------------------------------------------------------------------

void group_member::beat() {
  network_->after(how_.session_timeout / beats_per_session, [this] { beat(); });
  if (is_away_ || silent_until_ > cluster_.time().now())
    return;
  if (joining_)
    return;
  if (who_.member.empty())
    return join();
  if (cluster_.time().now() - heard_at_ > how_.session_timeout) {
    lose_all();
    return join();
  }
  send_beat([this](kafka_error how) { heard(how); });
}

void group_member::send_beat(std::function<void(kafka_error)> answered) {
  network_->request(coordinator_, [this, &cluster = cluster_,
                                   group = how_.group, who = who_,
                                   answered = std::move(answered),
                                   by = network_, broker = coordinator_] {
    const kafka_error how = cluster.group(group).heartbeat(who);
    by->answer(broker, [this, how, who, answered] {
      // About who we were then.
      if (who.member == who_.member && who.generation == who_.generation)
        answered(how);
      else
        answered(kafka_error::none);
    });
  });
}

void group_member::heard(kafka_error how) {
  switch (how) {
  case kafka_error::none:
    heard_at_ = cluster_.time().now();
    return;
  case kafka_error::rebalance_in_progress:
    heard_at_ = cluster_.time().now();
    return join();
  default:
    if (how == kafka_error::fenced_instance_id)
      cluster_.marks().reached(kafka_mark::late_join);
    joining_ = false;
    lose_all();
    return join();
  }
}

void group_member::make_sure(std::function<void()> then) {
  if (who_.member.empty())
    return then();
  send_beat([this, then = std::move(then)](kafka_error how) {
    heard(how);
    then();
  });
}

// -- losing and leaving ------------------------------------------------------

void group_member::lose_all() {
  who_.member.clear();
  who_.generation = -1;
  ++round_;
  lose(shards{owned_});
  if (is_leaving_)
    leave_if_free();
}

void group_member::lose(const shards& which) {
  for (const std::uint32_t each : which) {
    owned_.erase(each);
    leaving_.erase(each);
  }
  if (!which.empty())
    tells_.lost(which);
}

void group_member::leave_join_behind(moment arrives_after) {
  network_->request_late(
      coordinator_, arrives_after,
      [&cluster = cluster_, group = how_.group, instance = how_.instance] {
        member_identity nobody;
        nobody.instance = instance;
        cluster.group(group).join(nobody, {}, [](const auto&) {});
      });
}

void group_member::leave(moment back_after) {
  if (!is_started_ || is_away_ || is_leaving_)
    return;
  is_leaving_ = true;
  back_after_ = back_after;
  shards gone;
  for (const std::uint32_t each : owned_)
    if (leaving_.insert(each).second)
      gone.insert(each);
  if (!gone.empty())
    tells_.to_release(gone);
  leave_if_free();
}

void group_member::leave_if_free() {
  if (!owned_.empty())
    return;
  is_leaving_ = false;
  is_away_ = true;
  ++round_;
  joining_ = false;
  network_->request(coordinator_,
                    [&cluster = cluster_, group = how_.group, who = who_] {
                      cluster.group(group).leave(who);
                    });
  who_.member.clear();
  who_.generation = -1;
  network_->after(back_after_, [this] {
    is_away_ = false;
    join();
  });
}

} // namespace freehold::simulation
