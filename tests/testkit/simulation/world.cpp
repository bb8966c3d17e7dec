#include "tests/testkit/simulation/world.hpp"

#include "runtime/base/hash.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "runtime/engine/worker.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <utility>

namespace freehold::simulation {

namespace {

/// How long the world runs between two looks at its nodes.
constexpr moment slice = 20ms;
/// What must be so for that long is at rest.
constexpr moment quiet_time = 1s;
/// Within that an idle entity answers a question.
constexpr moment answer_limit = 60s;

} // namespace

world::world(const plan& how, const application& app, story& tells)
    : how_(how),
      story_(tells),
      time_(how.seed, how.order),
      kafka_(time_, how.seed, {.broker_count = how.broker_count}),
      control_(time_.open("world")) {
  auto made = engine::application_plan::make(app, how.options);
  if (!made)
    throw std::invalid_argument(to_string(made.error()));
  plan_ = *std::move(made);
  for (std::uint32_t i = 0; i < how.node_count; ++i) {
    nodes_.emplace_back(time_);
    start(i);
  }
  for (const auto& each : how_.commands)
    time_.post_after(each.at, control_, [this, &each] { send(each.what); });
  for (const auto& each : how_.faults)
    time_.post_after(each.what.at, control_,
                     [this, &each] { apply(each.what); });
}

world::~world() {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    crash(i);
}

// -- nodes -------------------------------------------------------------------

void world::node_life::answered(
    const std::vector<engine::answer_notice>& notices) {
  for (const auto& each : notices) {
    world_.answers_.push_back({node, world_.time_.now(), each});
    world_.time_.note(hash_of(each.event_id));
  }
}

void world::start(std::uint32_t node) {
  auto& entry = nodes_[node];
  if (entry.life)
    return;
  ++entry.life_number;
  auto life = std::make_unique<node_life>(*this, node);
  life->log = std::make_unique<simulated_log>(
      kafka_,
      simulated_log::settings{.node_id = "n" + std::to_string(node),
                              .group = plan_->name,
                              .session_timeout = how_.session_timeout,
                              .request_timeout = how_.request_timeout,
                              .transaction_timeout = how_.transaction_timeout});
  life->between = std::make_unique<watched_log>(
      *life->log,
      [this, node](crash_point where) { return reached(node, where); });
  auto made =
      engine::engine::make(plan_, {*life->between, entry.clock, nullptr,
                                   life.get(), engine::run_mode::stepped});
  life->host = std::move(made.value());
  for (std::size_t i = 0; i < life->host->worker_count(); ++i) {
    engine::worker& which = life->host->worker_at(i);
    life->workers.push_back(time_.open(
        name_of(node) + " worker " + std::to_string(i),
        {[&which] { return which.is_ready(); }, [&which] { which.run_one(); },
         [&which, &clock = entry.clock]() -> std::optional<moment> {
           timestamp due;
           if (!which.next_alarm(due))
             return std::nullopt;
           return clock.when(due);
         }}));
  }
  entry.life = std::move(life);
  const auto started = entry.life->host->start();
  require(started.has_value(),
          name_of(node) + " does not start: "
              + (started ? std::string{} : to_string(started.error())));
  story_.tell(time_.now(), name_of(node), [] { return "starts"; });
}

void world::crash(std::uint32_t node) {
  auto& entry = nodes_[node];
  if (!entry.life)
    return;
  auto life = std::move(entry.life);
  entry.past += life->host->count().totals();
  life->between->die();
  for (const schedule::lane each : life->workers)
    time_.close(each);
  life->host.reset();
  life->between.reset();
  life->log.reset();
  story_.tell(time_.now(), name_of(node), [] { return "dies"; });
}

void world::crash_at(std::uint32_t node, crash_point where, std::uint32_t nth,
                     moment back_after) {
  crashes_.push_back({node, where, nth, back_after});
}

bool world::reached(std::uint32_t node, crash_point where) {
  ++points_reached_[static_cast<std::size_t>(where)];
  time_.note(static_cast<std::uint64_t>(where) + 100 * node);
  for (auto it = crashes_.begin(); it != crashes_.end(); ++it) {
    if (it->node != node || it->where != where)
      continue;
    if (it->left-- > 0)
      continue;
    const moment back_after = it->back_after;
    crashes_.erase(it);
    story_.tell(time_.now(), name_of(node), [&] {
      return "is to die at: " + std::string{simulation::name_of(where)};
    });
    // Not from within its own call: nothing of it runs before that.
    for (const schedule::lane each : nodes_[node].life->workers)
      time_.close(each);
    time_.post_after(moment{0}, control_, [this, node, back_after] {
      crash(node);
      time_.post_after(back_after, control_, [this, node] { start(node); });
    });
    return true;
  }
  return false;
}

engine::counters world::totals() const {
  engine::counters sum;
  for (const auto& each : nodes_) {
    sum += each.past;
    if (each.life)
      sum += each.life->host->count();
  }
  return sum;
}

void world::block_workers(std::uint32_t node, moment until) {
  for (const schedule::lane each : nodes_[node].life->workers)
    time_.block(each, until);
}

// -- records and states ------------------------------------------------------

void world::send(const command& what) {
  sent_.push_back(what);
  std::string headers;
  for (const auto& [name, text] : what.headers)
    append_header(headers, name, text);
  const auto clock = simulated_clock{time_}.now();
  kafka_.append_from_outside(what.topic,
                             partition_of(what.key, plan_->options.shard_count),
                             clock, what.key, what.value, header_list{headers});
  story_.tell(time_.now(), "world", [&] {
    return "sends to " + what.topic + " for " + what.key + ": " + what.value;
  });
}

cut world::look() { return cut{kafka_.reader(), plan_, sent_}; }

std::string world::ask(std::string_view type, std::string_view key) {
  const partition_index shard = partition_of(key, plan_->options.shard_count);
  const moment deadline = time_.now() + answer_limit;
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (!is_up(node) || !kafka_.is_owner("n" + std::to_string(node), shard))
      continue;
    auto& host = *nodes_[node].life->host;
    // Shared with the engine: the answer may come after we gave up.
    auto found = std::make_shared<std::optional<caf::actor>>();
    host.find_entity(type, key,
                     [found](caf::actor which) { *found = std::move(which); });
    while (!*found && time_.step(deadline)) {
    }
    require(found->has_value(),
            "nobody finds " + std::string{type} + "/" + std::string{key});
    if (!**found)
      return {};
    caf::scoped_actor self{host.system()};
    // The request's own timeout is CAF's, on the real clock: it decides
    // nothing.
    auto response = self->request(**found, caf::infinite, engine::read_state{});
    while (!self->has_next_message() && time_.step(deadline)) {
    }
    require(self->has_next_message(),
            std::string{type} + "/" + std::string{key} + " does not answer");
    std::string text;
    response.receive([&](const std::string& json) { text = json; },
                     [&](const caf::error& why) {
                       throw violation(host.system().render(why));
                     });
    return text;
  }
  throw violation("shard " + std::to_string(shard.value()) + " is nobody's");
}

// -- time --------------------------------------------------------------------

void world::look_after_nodes() {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (is_up(i))
      if (const auto failure = nodes_[i].life->host->failure())
        throw violation(name_of(i) + " gave up: " + to_string(*failure));
}

void world::run_until(moment when) {
  while (time_.now() < when) {
    time_.run_until(std::min(when, time_.now() + slice));
    look_after_nodes();
  }
}

void world::run_for(moment how_long) { run_until(time_.now() + how_long); }

bool world::all_idle(moment deadline) {
  // Shared with the engines: an answer may come after we gave up.
  auto missing = std::make_shared<std::uint32_t>(0);
  for (auto& each : nodes_)
    if (each.life) {
      ++*missing;
      each.life->host->when_idle([missing] { --*missing; });
    }
  while (*missing > 0 && time_.now() < deadline)
    run_for(slice);
  return *missing == 0;
}

void world::come_to_rest(std::chrono::seconds limit) {
  run_until(how_.length);
  mend();
  const moment deadline = time_.now() + limit;
  for (;;) {
    require(all_idle(deadline), "it does not come to rest");
    const std::uint64_t before = kafka_.committed_count();
    run_for(quiet_time);
    require(time_.now() < deadline, "it does not come to rest");
    if (kafka_.committed_count() != before)
      continue;
    // What only waits for its time will be done, too.
    if (const cut now = look(); now.timer_count() == 0 && now.held_count() == 0)
      return;
  }
}

// -- faults ------------------------------------------------------------------

void world::mend() {
  mended_ = true;
  crashes_.clear();
  kafka_.mend();
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].clock.set_error({});
    start(i);
  }
}

} // namespace freehold::simulation
