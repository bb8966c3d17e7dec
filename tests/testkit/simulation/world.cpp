#include "tests/testkit/simulation/world.hpp"

#include "runtime/base/hash.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "runtime/engine/worker.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace freehold::simulation {

namespace {

/// How long the world runs between two looks at its nodes.
constexpr moment slice = 20ms;
/// What must be so for that long is at rest.
constexpr moment quiet_time = 1s;
/// Within that an idle entity answers a question.
constexpr moment answer_limit = 60s;
constexpr moment asked_again_after = 1s;
/// How wrong a clock may be that was set.
constexpr std::uint64_t clock_error_ms_max = 5000;
/// The request's own timeout, by CAF's clock, decides nothing.
constexpr std::chrono::minutes answer_timeout{60};

} // namespace

world::world(const plan& how, const application& app, story& tells)
    : how_(how),
      story_(tells),
      time_(how.seed, how.order),
      kafka_(time_, how.seed,
             {.broker_count = how.broker_count,
              .session_timeout = how.session_timeout,
              .rebalance_timeout = how.session_timeout}),
      control_(time_.open("world")) {
  auto made = engine::application_plan::make(app, how.options);
  if (!made)
    throw std::invalid_argument(to_string(made.error()));
  plan_ = *std::move(made);
  kafka_.marks().listen([this](kafka_mark which) {
    story_.tell(time_.now(), "kafka",
                [&] { return std::string{simulation::name_of(which)}; });
  });
  arm_next();
  for (std::uint32_t i = 0; i < how.node_count; ++i) {
    nodes_.emplace_back(time_);
    if (how.keeps_copies)
      nodes_.back().copy = std::make_shared<local_copy>();
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
    world_.told_.push_back({node, world_.time_.now(), each});
    world_.time_.note(key_hash(each.event_id));
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
      simulated_log::settings{.node_id = member_of(node),
                              .group = plan_->name,
                              .session_timeout = how_.session_timeout,
                              .request_timeout = how_.request_timeout,
                              .transaction_timeout = how_.transaction_timeout,
                              .copy = entry.copy,
                              .bug = how_.log_bug});
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

void world::arm_next() {
  if (armed_ < how_.crashes.size())
    crashes_.push_back(how_.crashes[armed_++]);
}

void world::crash_at(std::uint32_t node, crash_point where, std::uint32_t nth,
                     moment back_after) {
  crashes_.push_back({node, where, nth, back_after});
}

bool world::reached(std::uint32_t node, crash_point where) {
  time_.note(static_cast<std::uint64_t>(where) + 100 * node);
  story_.tell(time_.now(), name_of(node),
              [&] { return std::string{simulation::name_of(where)}; });
  for (auto it = crashes_.begin(); it != crashes_.end(); ++it) {
    if (it->node != node || it->where != where)
      continue;
    if (it->nth-- > 0)
      continue;
    const moment back_after = it->back_after;
    crashes_.erase(it);
    ++crash_count_;
    ++deaths_[static_cast<std::size_t>(where)];
    arm_next();
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

cut world::look() { return cut{kafka_.reader(), plan_, sent_, told_}; }

std::optional<std::uint32_t> world::owner_of(partition_index shard) const {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node)
    if (is_up(node) && nodes_[node].life->log->has(shard))
      return node;
  return std::nullopt;
}

std::uint32_t world::owner_of(std::string_view key) const {
  const auto owner = owner_of(partition_of(key, plan_->options.shard_count));
  require(owner.has_value(), "nobody has the shard of " + std::string{key});
  return *owner;
}

std::string world::ask(std::string_view type, std::string_view key) {
  const std::string address = std::string{type} + "/" + std::string{key};
  const partition_index shard = partition_of(key, plan_->options.shard_count);
  const moment deadline = time_.now() + answer_limit;
  // The shard may be on its way from one to the other, and an owner that has
  // only just heard of it finds nobody there.
  for (; time_.now() < deadline; time_.run_for(asked_again_after)) {
    const auto owner = owner_of(shard);
    if (!owner)
      continue;
    auto& host = *nodes_[*owner].life->host;
    // Shared with the engine: the answer may come after we gave up.
    auto found = std::make_shared<std::optional<caf::actor>>();
    host.find_entity(type, key,
                     [found](caf::actor which) { *found = std::move(which); });
    while (!*found && time_.step(deadline)) {
    }
    require(found->has_value(), "nobody finds " + address);
    if (!**found)
      continue;
    caf::scoped_actor self{host.system()};
    auto response =
        self->request(**found, answer_timeout, engine::read_state{});
    while (!self->has_next_message() && time_.step(deadline)) {
    }
    require(self->has_next_message(), address + " does not answer");
    std::optional<std::string> text;
    response.receive([&](const std::string& json) { text = json; },
                     [](const caf::error&) {}); // it went with its shard
    if (text)
      return *text;
  }
  return {};
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

/// Empty: nothing.
std::string world::what_is_left() {
  const auto up = static_cast<std::size_t>(
      std::count_if(nodes_.begin(), nodes_.end(),
                    [](const auto& each) { return each.life != nullptr; }));
  const auto& group = kafka_.group(plan_->name);
  if (kafka_.transactions().unfinished_count() > 0)
    return "a transaction is open";
  if (group.member_count() != up)
    return std::to_string(group.member_count()) + " of " + std::to_string(up)
           + " nodes are members of the group";
  if (!group.is_settled())
    return "the group rebalances";
  for (const auto& each : nodes_)
    if (each.life && each.life->log->is_busy())
      return "a unit is under way";
  if (!all_is_owned())
    return "a shard is nobody's";
  if (!all_is_taken())
    return "an input was not taken";
  const cut now = look();
  if (now.held_count() > 0)
    return "a message is held";
  // What only waits for its time will be done, too.
  return now.timer_count() > 0 ? "a timer is set" : "";
}

bool world::all_is_owned() {
  for (std::uint32_t i = 0; i < plan_->options.shard_count; ++i)
    if (std::none_of(nodes_.begin(), nodes_.end(), [i](const auto& each) {
          return each.life && each.life->log->has(partition_index{i});
        }))
      return false;
  return true;
}

group_offsets world::taken() {
  group_offsets all;
  const auto& group = kafka_.group(plan_->name);
  const auto topics = kafka_.reader().topics().value();
  for (std::uint32_t t = 0; t < topics.size(); ++t) {
    if (topics[t].spec.role != ports::topic_role::source
        && topics[t].spec.role != ports::topic_role::inbox)
      continue;
    for (std::uint32_t p = 0; p < topics[t].partitions.size(); ++p)
      all[{t, p}] = std::max(group.offset({t, p}).value_or(next_offset{0}),
                             topics[t].partitions[p].begin);
  }
  return all;
}

/// Behind the group's offsets no record lies in any input.
bool world::all_is_taken() {
  const auto offsets = taken();
  return std::all_of(offsets.begin(), offsets.end(), [this](const auto& each) {
    const auto& [where, taken] = each;
    const auto left = kafka_.reader().read(
        {topic_index{where.topic}, partition_index{where.partition}}, taken, 1);
    return left && (*left)->records.empty();
  });
}

void world::come_to_rest(std::chrono::seconds limit) {
  run_until(how_.length);
  mend();
  rest(limit);
}

void world::rest(std::chrono::seconds limit) {
  const moment deadline = time_.now() + limit;
  // At both ends of a time without changes.
  for (std::string left = "something", before;
       !left.empty() || !before.empty();) {
    require(time_.now() < deadline, "it does not come to rest: " + left);
    before = std::exchange(left, {});
    const std::uint64_t changes = kafka_.change_count();
    run_for(quiet_time);
    left = kafka_.change_count() != changes ? "records are written"
                                            : what_is_left();
  }
}

// -- faults ------------------------------------------------------------------

void world::apply(const fault& what) {
  if (mended_)
    return;
  story_.tell(time_.now(), "world", [&] { return to_string(what); });
  const moment until = time_.now() + what.how_long;
  const std::uint32_t broker =
      static_cast<std::uint32_t>(what.detail % kafka_.broker_count());
  if (what.kind == fault_kind::broker_down)
    return kafka_.stop_broker(broker, until);
  if (what.kind == fault_kind::slow_marker)
    return kafka_.delay_next_marker(what.how_long);
  if (what.kind == fault_kind::rebalance)
    return kafka_.group(plan_->name).rebalance();
  if (what.kind == fault_kind::taken_expired)
    return expire_taken();
  const std::uint32_t node = what.node % node_count();
  if (!is_up(node))
    return;
  auto& entry = nodes_[node];
  auto& log = *entry.life->log;
  const auto crash_for = [this, node](moment how_long) {
    crash(node);
    time_.post_after(how_long, control_, [this, node] { start(node); });
  };
  switch (what.kind) {
  case fault_kind::crash:
    return crash_for(what.how_long);
  case fault_kind::crash_point: {
    const crash_point where =
        all_crash_points[what.detail % all_crash_points.size()];
    crash_at(node, where, 0, what.how_long);
    return lead_to(where, node);
  }
  case fault_kind::pause:
    block_workers(node, until);
    return log.network().pause(until);
  case fault_kind::lost_heartbeats:
    return log.member().silence(until);
  case fault_kind::clogged:
    return log.network().clog(broker, until);
  case fault_kind::unknown_applied:
    return log.units().plan_end(end_fault::applied, {});
  case fault_kind::unknown_lost:
    return log.units().plan_end(end_fault::lost, {});
  case fault_kind::unknown_late:
    return log.units().plan_end(end_fault::late, what.how_long);
  case fault_kind::aborted:
    return log.units().plan_end(end_fault::refused, {});
  case fault_kind::produced_twice:
    return log.units().repeat_next_batch();
  case fault_kind::leave:
    return log.member().leave(what.how_long);
  case fault_kind::expired:
    return kafka_.group(plan_->name).expire(member_of(node));
  case fault_kind::clock_set: {
    const auto far =
        static_cast<std::int64_t>(what.detail % (2 * clock_error_ms_max));
    return entry.clock.set_error(std::chrono::milliseconds{
        far - static_cast<std::int64_t>(clock_error_ms_max)});
  }
  case fault_kind::entity_ended:
    return end_entity(node, what.detail);
  case fault_kind::copy_lost:
    if (entry.copy)
      entry.copy->lose();
    return crash_for(what.how_long);
  case fault_kind::copy_torn:
    if (entry.copy)
      entry.copy->tear();
    return crash_for(what.how_long);
  case fault_kind::copy_old:
    if (entry.copy)
      time_.post_after(what.how_long, control_,
                       [this, node, old = local_copy{*entry.copy}] {
                         crash(node);
                         *nodes_[node].copy = old;
                         start(node);
                       });
    return;
  case fault_kind::late_join:
    log.member().leave_join_behind(what.how_long);
    return crash_for(moment{0});
  case fault_kind::broker_down:
  case fault_kind::slow_marker:
  case fault_kind::rebalance:
  case fault_kind::taken_expired:
    break;
  }
}

/// Where a node rarely comes by itself.
void world::lead_to(crash_point where, std::uint32_t node) {
  auto& log = *nodes_[node].life->log;
  switch (where) {
  case crash_point::shards_revoked:
  case crash_point::before_release:
  case crash_point::after_release:
    return log.member().leave(1s);
  case crash_point::shards_lost:
  case crash_point::shards_granted:
    return kafka_.group(plan_->name).expire(member_of(node));
  case crash_point::before_recovery:
  case crash_point::after_recovery:
    return log.units().plan_end(end_fault::refused, {});
  default:
    return;
  }
}

/// Only what the group's offsets say is done: retention that deletes more loses
/// records, and says nothing of whoever reads them.
void world::expire_taken() {
  const auto topics = kafka_.reader().topics().value();
  for (const auto& [where, offset] : taken())
    if (topics[where.topic].spec.role == ports::topic_role::source)
      kafka_.delete_records(where, offset);
}

/// A CAF actor from outside may send an exit to whatever it has an address of.
void world::end_entity(std::uint32_t node, std::uint64_t which) {
  if (sent_.empty())
    return;
  const std::string& key = sent_[which % sent_.size()].key;
  for (const auto& type : plan_->types)
    nodes_[node].life->host->find_entity(
        type->traits().type, key, [](const caf::actor& found) {
          if (found)
            caf::anon_send_exit(found, caf::exit_reason::user_shutdown);
        });
}

void world::mend() {
  mended_ = true;
  crashes_.clear();
  kafka_.mend();
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].clock.set_error({});
    start(i);
    auto& life = *nodes_[i].life;
    life.log->network().go_on();
    life.log->member().silence(moment{0});
    for (const schedule::lane each : life.workers)
      time_.unblock(each);
  }
}

} // namespace freehold::simulation
