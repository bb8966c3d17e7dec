#include "runtime/engine/engine.hpp"

#include "runtime/engine/commit_group.hpp"
#include "runtime/engine/log_bridge.hpp"
#include "runtime/engine/supervision.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_actor.hpp>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <utility>

namespace freehold::engine {

namespace {

/// Crashes are remembered as long as the engine lives: enough for tests.
class forgetful_ledger final : public ports::crash_ledger {
public:
  std::vector<suspect> begin(const std::vector<std::string>&,
                             std::uint32_t worker_count) override {
    slots_ = std::vector<ports::crash_slot>(worker_count);
    return {};
  }
  ports::crash_slot& slot(worker_index worker) override {
    return slots_[worker.value()];
  }
  void acquit(const suspect&) override {}

private:
  std::vector<ports::crash_slot> slots_;
};

/// The stock scheduler serves only what CAF itself spawns: one thread of it,
/// and not the stealing one; none where somebody steps the engine.
class quiet_config : public caf::actor_system_config {
public:
  explicit quiet_config(run_mode mode) {
    set("scheduler.policy", mode == run_mode::stepped ? caf::atom("testing")
                                                      : caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
  }
};

std::deque<memory_budget> make_budgets(const application_plan& plan) {
  std::deque<memory_budget> budgets;
  for (const auto& type : plan.types) {
    const auto own = plan.options.entity_bytes_max_of.find(type->traits().type);
    budgets.emplace_back(own != plan.options.entity_bytes_max_of.end()
                             ? own->second
                             : plan.options.entity_bytes_max);
  }
  return budgets;
}

} // namespace

class engine::core {
public:
  core(std::shared_ptr<const application_plan> plan, const parts& with)
      : plan_(std::move(plan)),
        mode_(with.mode),
        log_(with.log),
        config_(with.mode),
        who_(plan_->options.shard_count),
        system_(config_),
        ledger_(with.ledger != nullptr ? *with.ledger : own_ledger_),
        budgets_(make_budgets(*plan_)),
        around_{plan_,   with.log, with.time,    who_,
                ledger_, budgets_, with.listener},
        bridge_(who_, [this](error why) { fail(std::move(why)); }),
        published_(plan_->options.shard_count) {
    for (std::uint32_t i = 0; i < plan_->options.worker_count; ++i)
      workers_.push_back(
          std::make_unique<worker>(system_, worker_index{i}, with.time));
  }

  ~core() {
    log_.stop();
    for (const auto& each : workers_)
      each->stop();
    // Entities refer to their shard, and a shard to its actor: they go first.
    for (const auto& each : shards_)
      each->lose();
    who_.clear();
    supervisors_.clear();
    node_ = nullptr;
    // Dropping the actors queues their last messages; dropping those may end
    // further actors. Nothing runs any more.
    for (int round = 0; round < 2; ++round)
      for (const auto& each : workers_)
        each->drain();
  }

  result<void> start() {
    std::vector<std::string> topics;
    for (const auto& topic : plan_->layout.topics)
      topics.push_back(topic.name);
    suspects_ = ledger_.begin(topics, plan_->options.worker_count);
    for (const auto& whom : suspects_)
      spdlog::warn("engine: the process ended {} times while handling {} "
                   "partition {} offset {}",
                   whom.deaths, whom.topic, whom.partition.value(),
                   whom.offset);
    quarantine_.open(suspects_.size());
    make_actors();
    auto started = log_.start(plan_->layout, bridge_);
    if (!started)
      return started;
    send(who_.group, messages::tick{});
    if (mode_ == run_mode::threads)
      for (const auto& each : workers_)
        each->start();
    return {};
  }

  void fail(error why) {
    const std::lock_guard lock{mutex_};
    if (failure_)
      return;
    spdlog::error("engine: {}", to_string(why));
    failure_ = std::move(why);
    changed_.notify_all();
  }

  result<void> wait(const std::function<void(std::function<void()>)>& ask,
                    std::optional<std::chrono::milliseconds> within) {
    // Shared with the messages: the answer may come after we gave up.
    auto answered = std::make_shared<bool>(false);
    ask([this, answered] {
      const std::lock_guard lock{mutex_};
      *answered = true;
      changed_.notify_all();
    });
    std::unique_lock lock{mutex_};
    const auto over = [&] { return *answered || failure_.has_value(); };
    if (!within)
      changed_.wait(lock, over);
    else if (!changed_.wait_for(lock, *within, over))
      return error{errc::unavailable, "not finished within "
                                          + std::to_string(within->count())
                                          + " ms"};
    if (failure_)
      return *failure_;
    return {};
  }

private:
  friend class engine;

  std::shared_ptr<const application_plan> plan_;
  const run_mode mode_;
  ports::event_log& log_;
  quiet_config config_;
  directory who_;
  caf::actor_system system_;
  forgetful_ledger own_ledger_;
  ports::crash_ledger& ledger_;
  std::deque<memory_budget> budgets_;
  const surroundings around_;
  log_bridge bridge_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<ports::crash_ledger::suspect> suspects_;
  quarantine quarantine_;
  std::vector<published_counters> published_;
  std::vector<caf::strong_actor_ptr> supervisors_;
  caf::strong_actor_ptr node_;
  /// Every shard ever made. Entities refer to their table, and a handle of an
  /// entity may outlive the shard's actor.
  std::mutex shards_mutex_;
  std::vector<std::shared_ptr<shard>> shards_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<error> failure_;
  std::size_t next_worker_ = 0;

  template <class Actor, class... Args>
  caf::strong_actor_ptr make_actor(worker& home, Args&&... args) {
    caf::actor_config config{&home};
    return caf::make_actor<Actor, caf::strong_actor_ptr>(
        system_.next_actor_id(), system_.node(), &system_, config, home,
        std::forward<Args>(args)...);
  }

  caf::strong_actor_ptr make_shard(partition_index index) {
    worker& home = *workers_[index.value() % workers_.size()];
    auto made = make_actor<shard_actor>(home, around_, index,
                                        ledger_.slot(home.index()), suspects_,
                                        quarantine_, published_[index.value()]);
    const std::lock_guard lock{shards_mutex_};
    shards_.push_back(static_cast<shard_actor*>(made->get())->content());
    return made;
  }

  void make_actors() {
    const auto stop = [this](error why) { fail(std::move(why)); };
    worker& first = *workers_.front();
    who_.bridge = make_actor<bridge_actor>(first, stop);
    who_.group = make_actor<commit_group>(first, around_);
    for (const auto& home : workers_) {
      std::vector<partition_index> shards;
      for (std::uint32_t i = 0; i < plan_->options.shard_count; ++i)
        if (i % workers_.size() == home->index().value())
          shards.push_back(partition_index{i});
      supervisors_.push_back(make_actor<worker_supervisor>(
          *home, around_, std::move(shards),
          [this](partition_index index) { return make_shard(index); }, stop));
    }
    node_ = make_actor<node_supervisor>(first, stop);
    auto& node = *static_cast<node_supervisor*>(node_->get());
    node.watch(who_.bridge, "the log bridge");
    node.watch(who_.group, "the commit group");
    for (std::size_t i = 0; i < supervisors_.size(); ++i)
      node.watch(supervisors_[i],
                 "the supervisor of worker " + std::to_string(i));
  }
};

result<std::unique_ptr<engine>>
engine::make(std::shared_ptr<const application_plan> plan, const parts& with) {
  auto made = std::make_unique<core>(std::move(plan), with);
  return std::unique_ptr<engine>{new engine{std::move(made)}};
}

engine::engine(std::unique_ptr<core> content) : core_(std::move(content)) {}

engine::~engine() = default;

result<void> engine::start() { return core_->start(); }

void engine::when_idle(std::function<void()> tell) {
  send(core_->who_.group, messages::when_idle{std::move(tell)});
}

void engine::close_windows() {
  send(core_->who_.group, messages::close_windows{});
}

void engine::when_finished(std::function<void()> tell) {
  send(core_->who_.group, messages::finish{std::move(tell)});
}

result<void> engine::wait_until_idle() {
  return core_->wait(
      [this](std::function<void()> tell) { when_idle(std::move(tell)); },
      std::nullopt);
}

std::optional<error>
engine::wait_for_failure(std::chrono::milliseconds timeout) {
  std::unique_lock lock{core_->mutex_};
  core_->changed_.wait_for(lock, timeout,
                           [this] { return core_->failure_.has_value(); });
  return core_->failure_;
}

result<void> engine::stop(std::chrono::milliseconds within) {
  auto finished = core_->wait(
      [this](std::function<void()> tell) { when_finished(std::move(tell)); },
      within);
  core_->log_.stop();
  return finished;
}

std::optional<error> engine::failure() const {
  const std::lock_guard lock{core_->mutex_};
  return core_->failure_;
}

counters engine::count() const {
  counters sum;
  for (const auto& each : core_->published_) {
    const std::lock_guard lock{each.mutex};
    sum += each.values;
  }
  return sum;
}

std::vector<input_position> engine::positions() const {
  std::vector<input_position> all;
  for (const auto& each : core_->published_) {
    const std::lock_guard lock{each.mutex};
    all.insert(all.end(), each.positions.begin(), each.positions.end());
  }
  return all;
}

std::vector<restore_position> engine::restoring() const {
  std::vector<restore_position> all;
  for (const auto& each : core_->published_) {
    const std::lock_guard lock{each.mutex};
    if (each.restoring)
      all.push_back(*each.restoring);
  }
  return all;
}

void engine::find_entity(std::string_view type, std::string_view key,
                         std::function<void(caf::actor)> tell) {
  const partition_index index =
      partition_of(key, core_->plan_->options.shard_count);
  const caf::strong_actor_ptr actor = core_->who_.shard(index);
  if (actor == nullptr)
    return tell({});
  const auto content = static_cast<shard_actor*>(actor->get())->content();
  if (core_->mode_ == run_mode::stepped)
    return content->find_entity(type, key, std::move(tell));
  send(actor,
       messages::run_here{[content, type = std::string{type},
                           key = std::string{key}, tell = std::move(tell)] {
         content->find_entity(type, key, tell);
       }});
}

caf::actor engine::find_entity(std::string_view type, std::string_view key) {
  // A shard that ends meanwhile drops the question, and with it the promise.
  auto found = std::make_shared<std::promise<caf::actor>>();
  auto answer = found->get_future();
  find_entity(type, key, [found = std::move(found)](caf::actor entity) {
    found->set_value(std::move(entity));
  });
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return {};
  }
}

caf::actor_system& engine::system() { return core_->system_; }

bool engine::step() {
  auto& workers = core_->workers_;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    worker& next = *workers[core_->next_worker_];
    core_->next_worker_ = (core_->next_worker_ + 1) % workers.size();
    if (next.run_one())
      return true;
  }
  return false;
}

std::size_t engine::worker_count() const noexcept {
  return core_->workers_.size();
}

worker& engine::worker_at(std::size_t index) noexcept {
  return *core_->workers_[index];
}

std::size_t engine::run_ready() {
  std::size_t steps = 0;
  while (step())
    ++steps;
  return steps;
}

} // namespace freehold::engine
