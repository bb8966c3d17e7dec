#include "tests/testkit/simulation/connection.hpp"

#include <algorithm>
#include <utility>

namespace freehold::simulation {

namespace {

/// Most messages arrive at once, by the order that the schedule chooses; one
/// in so many takes its time.
constexpr std::uint64_t slow_one_in = 16;
constexpr std::uint64_t slow_us_max = 20'000;

} // namespace

connection::connection(simulated_kafka& cluster, const std::string& whose)
    : cluster_(cluster),
      waiter_(cluster.new_waiter()),
      timers_(cluster.time().open(whose + " timers")) {
  for (std::uint32_t i = 0; i < cluster.broker_count(); ++i) {
    const std::string broker = " broker " + std::to_string(i);
    requests_.push_back({cluster.time().open(whose + " to" + broker)});
    answers_.push_back({cluster.time().open(whose + " from" + broker)});
    cluster.add_lane(i, requests_.back().lane);
    cluster.add_lane(i, answers_.back().lane);
  }
}

void connection::send(one_way& by, schedule::task what) {
  auto& time = cluster_.time();
  moment arrives = time.now();
  if (cluster_.chance().one_in(slow_one_in))
    arrives += moment{cluster_.chance().below(slow_us_max)};
  by.last = std::max(by.last, arrives);
  if (by.last <= time.now())
    time.post(by.lane, std::move(what));
  else
    time.post_after(by.last - time.now(), by.lane, std::move(what));
}

void connection::request(std::uint32_t broker, schedule::task at_broker) {
  send(requests_[broker], std::move(at_broker));
}

void connection::request_late(std::uint32_t broker, moment by,
                              schedule::task at_broker) {
  cluster_.time().post_after(by, requests_[broker].lane, std::move(at_broker));
}

void connection::answer(std::uint32_t broker, schedule::task at_node) {
  send(answers_[broker], std::move(at_node));
}

void connection::after(moment delay, schedule::task at_node) {
  cluster_.time().post_after(delay, timers_, std::move(at_node));
}

void connection::clog(std::uint32_t broker, moment until) {
  cluster_.time().block(requests_[broker].lane, until);
  cluster_.time().block(answers_[broker].lane, until);
}

void connection::pause(moment until) {
  for (const one_way& each : answers_)
    cluster_.time().block(each.lane, until);
  cluster_.time().block(timers_, until);
}

void connection::go_on() {
  for (const one_way& each : answers_)
    cluster_.time().unblock(each.lane);
  cluster_.time().unblock(timers_);
}

void connection::close() {
  for (const one_way& each : answers_)
    cluster_.time().close(each.lane);
  cluster_.time().close(timers_);
}

} // namespace freehold::simulation
