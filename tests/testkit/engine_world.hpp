#pragma once

#include "bridges/log/memory_log.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/engine/engine.hpp"
#include "tests/testkit/forwarding_log.hpp"
#include "tests/testkit/manual_clock.hpp"
#include "tests/testkit/seen_record.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::testkit {

/// An application on the in-memory log under a manual clock, stepped in one
/// thread: no sleeping, no waiting, the same course every time. The log's
/// contents survive `crash`.
class engine_world : public engine::answer_listener {
public:
  explicit engine_world(application app, engine::engine_options options = {},
                        bridges::log::memory_log_storage::settings log = {})
      : storage_(std::make_shared<bridges::log::memory_log_storage>(log)) {
    auto plan = engine::application_plan::make(app, options);
    if (!plan)
      throw std::runtime_error(to_string(plan.error()));
    plan_ = *plan;
  }
  ~engine_world() override { crash(); }

  /// The code and options of the next life.
  void deploy(const application& app, const engine::engine_options& options) {
    plan_ = engine::application_plan::make(app, options).value();
  }

  // -- life ------------------------------------------------------------------

  result<void> start() {
    log_ = std::make_unique<bridges::log::memory_log>(
        storage_, bridges::log::memory_log_options{mode, true});
    between_ = interpose ? interpose(*log_) : nullptr;
    ports::event_log& seen =
        between_ ? static_cast<ports::event_log&>(*between_) : *log_;
    auto made = engine::engine::make(
        plan_, {seen, time, ledger, this, engine::run_mode::stepped});
    if (!made)
      return made.error();
    engine_ = std::move(*made);
    return engine_->start();
  }
  /// The process dies: what was not committed never was.
  void crash() {
    engine_.reset();
    between_.reset();
    log_.reset();
  }
  result<void> restart() {
    crash();
    return start();
  }

  // -- time and steps --------------------------------------------------------

  /// Runs whatever is ready now, without moving the clock.
  void run_ready() {
    for (;;) {
      const std::size_t steps = engine_->run_ready();
      const bool moved = mode == execution::stepped && log_->step();
      if (steps == 0 && !moved)
        return;
    }
  }
  /// Lets time pass in steps of a commit interval, running what is due.
  void pass(std::chrono::milliseconds time_to_pass) {
    const auto step = plan_->options.commit_interval;
    for (auto left = time_to_pass; left.count() > 0; left -= step) {
      time.advance(step);
      run_ready();
    }
  }
  /// Until nothing is left to do. Throws after `limit` of simulated time.
  void settle(std::chrono::milliseconds limit = std::chrono::minutes{10}) {
    bool idle = false;
    engine_->when_idle([&idle] { idle = true; });
    run_ready();
    for (auto left = limit; !idle; left -= plan_->options.commit_interval) {
      if (engine_->failure())
        throw std::runtime_error(to_string(*engine_->failure()));
      if (left.count() <= 0)
        throw std::runtime_error("not idle in time");
      pass(plan_->options.commit_interval);
    }
  }
  /// A clean stop: finish, commit, end.
  void finish() {
    bool finished = false;
    engine_->when_finished([&finished] { finished = true; });
    for (int i = 0; i < 1000 && !finished; ++i)
      pass(plan_->options.commit_interval);
    if (!finished)
      throw std::runtime_error("not finished in time");
    crash();
  }

  // -- records ---------------------------------------------------------------

  using headers = std::vector<std::pair<std::string, std::string>>;

  /// Appends one record as an outside producer would.
  void send(std::string_view topic, std::string_view key,
            std::string_view value, const headers& with = {}) {
    send_to(partition_of(key, plan_->options.shard_count), topic, key, value,
            with);
  }
  /// The same, by a producer that chooses partitions in its own way.
  void send_to(partition_index partition, std::string_view topic,
               std::string_view key, std::string_view value,
               const headers& with = {}) {
    append(partition, topic, key, value, with, time.now());
  }
  /// A record that says it happened at another time than now.
  void send_dated(timestamp happened, std::string_view topic,
                  std::string_view key, std::string_view value) {
    append(partition_of(key, plan_->options.shard_count), topic, key, value, {},
           happened);
  }

  /// All committed records of a topic, partition after partition.
  [[nodiscard]] std::vector<seen_record> read(std::string_view topic) {
    std::vector<seen_record> all;
    const std::lock_guard lock{storage_->gate()};
    for (std::uint32_t t = 0; t < storage_->topic_count(); ++t) {
      const auto& spec = storage_->spec(t);
      if (spec.name != topic)
        continue;
      for (std::uint32_t p = 0; p < spec.partition_count; ++p) {
        const auto bounds = storage_->bounds(t, p);
        for (next_offset at = bounds.begin; at < bounds.end;) {
          const auto batch = storage_->read(
              t, p, at, 1U << 20U, {topic_index{t}, partition_index{p}});
          for (const record& each : (*batch)->records)
            all.push_back(see(each, partition_index{p}));
          at = (*batch)->next;
        }
      }
    }
    return all;
  }

  // -- looking in ------------------------------------------------------------

  /// An entity's state as JSON, asked through its CAF handle; empty where
  /// there is no such entity.
  [[nodiscard]] std::string state_of(std::string_view type,
                                     std::string_view key);
  /// An entity's handle, none where there is no such entity.
  [[nodiscard]] caf::actor handle_of(std::string_view type,
                                     std::string_view key);

  [[nodiscard]] topic_index topic(std::string_view name) const {
    return plan_->topic(name).value();
  }
  engine::engine& host() { return *engine_; }
  bridges::log::memory_log& log() { return *log_; }
  [[nodiscard]] const auto& plan() const { return plan_; }
  /// What survives a crash.
  [[nodiscard]] const auto& storage() const { return storage_; }
  [[nodiscard]] engine::counters count() const { return engine_->count(); }
  [[nodiscard]] std::vector<engine::input_position> positions() const {
    return engine_->positions();
  }
  [[nodiscard]] std::vector<engine::restore_position> restoring() const {
    return engine_->restoring();
  }

  void answered(const std::vector<engine::answer_notice>& notices) override {
    answers.insert(answers.end(), notices.begin(), notices.end());
  }

  using execution = bridges::log::memory_log_options::execution;

  manual_clock time;
  execution mode = execution::immediate;
  ports::crash_ledger* ledger = nullptr;
  /// Puts something between the engine and its log, from the next start on.
  std::function<std::unique_ptr<forwarding_log>(ports::event_log&)> interpose;
  std::vector<engine::answer_notice> answers;

private:
  struct owned_request final : ports::produce_request {
    std::string key;
    std::string value;
    std::string headers;
  };

  void append(partition_index partition, std::string_view topic,
              std::string_view key, std::string_view value, const headers& with,
              timestamp happened);

  std::shared_ptr<bridges::log::memory_log_storage> storage_;
  std::shared_ptr<const engine::application_plan> plan_;
  std::unique_ptr<bridges::log::memory_log> log_;
  std::unique_ptr<forwarding_log> between_;
  std::unique_ptr<engine::engine> engine_;
};

} // namespace freehold::testkit
