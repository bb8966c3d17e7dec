// The memory log, with or without gaps, answering at once or in steps.
#include "bridges/log/memory_log.hpp"
#include "tests/conformance/log_fixture.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace freehold::conformance {

namespace {

using namespace bridges::log;

#ifdef FREEHOLD_CONFORMANCE_GAPS
constexpr std::uint32_t gap = 1;
#else
constexpr std::uint32_t gap = 0;
#endif
#ifdef FREEHOLD_CONFORMANCE_STEPPED
constexpr bool stepped = true;
#else
constexpr bool stepped = false;
#endif

/// A memory log whose steps, where it has any, a thread takes: calls answer
/// from there, later, as those of a real log do.
class pumped_log final : public ports::event_log {
public:
  explicit pumped_log(const std::shared_ptr<memory_log_storage>& storage)
      : inner_(storage,
               {.mode = stepped ? memory_log_options::execution::stepped
                                : memory_log_options::execution::immediate}) {
    if (stepped)
      pump_ = std::thread{[this] { pump(); }};
  }
  ~pumped_log() override {
    inner_.stop();
    {
      const std::lock_guard lock{gate_};
      ending_ = true;
    }
    changed_.notify_one();
    if (pump_.joinable())
      pump_.join();
  }

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override {
    auto started = inner_.start(layout, listener);
    nudge();
    return started;
  }
  void fetch(const ports::fetch_request& what) override {
    inner_.fetch(what);
    nudge();
  }
  void cancel_fetch(topic_partition source) override {
    inner_.cancel_fetch(source);
  }
  void look_up(std::shared_ptr<ports::lookup> what) override {
    inner_.look_up(std::move(what));
    nudge();
  }
  void commit(std::shared_ptr<const ports::commit_unit> unit) override {
    inner_.commit(std::move(unit));
    nudge();
  }
  void recover() override {
    inner_.recover();
    nudge();
  }
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override {
    inner_.produce(std::move(what), std::move(answer));
    nudge();
  }
  void truncate(topic_partition target, next_offset before) override {
    inner_.truncate(target, before);
    nudge();
  }
  void release(const std::vector<partition_index>& shards) override {
    inner_.release(shards);
    nudge();
  }
  void stop() override { inner_.stop(); }

  [[nodiscard]] memory_log& inner() noexcept { return inner_; }
  void nudge() {
    const std::lock_guard lock{gate_};
    nudged_ = true;
    changed_.notify_one();
  }

private:
  void pump() {
    for (;;) {
      {
        std::unique_lock lock{gate_};
        changed_.wait(lock, [this] { return ending_ || nudged_; });
        if (ending_)
          return;
        nudged_ = false;
      }
      inner_.run_until_idle();
    }
  }

  memory_log inner_;
  std::mutex gate_;
  std::condition_variable changed_;
  bool nudged_ = false;
  bool ending_ = false;
  std::thread pump_;
};

class memory_log_fixture final : public log_fixture {
public:
  std::unique_ptr<ports::event_log> open() override {
    auto made = std::make_unique<pumped_log>(storage_);
    last_ = made.get();
    return made;
  }
  std::unique_ptr<ports::log_reader> open_reader() override {
    return std::make_unique<memory_log_reader>(storage_);
  }
  void plan_commit(planned how) override {
    last_->inner().plan_commits(outcome_of(how));
  }
  void plan_produce(planned how) override {
    last_->inner().plan_produces(outcome_of(how));
  }
  void revoke(std::vector<partition_index> shards) override {
    last_->inner().revoke(std::move(shards));
    last_->nudge();
  }
  void lose(std::vector<partition_index> shards) override {
    last_->inner().lose(std::move(shards));
    last_->nudge();
  }
  void grant(std::vector<partition_index> shards) override {
    last_->inner().grant(std::move(shards));
    last_->nudge();
  }
  [[nodiscard]] bool contiguous() const override { return gap == 0; }

private:
  static planned_outcome outcome_of(planned how) {
    return how == planned::failed         ? planned_outcome::failed
           : how == planned::unknown_lost ? planned_outcome::unknown_lost
                                          : planned_outcome::unknown_applied;
  }

  std::shared_ptr<memory_log_storage> storage_ =
      std::make_shared<memory_log_storage>(
          memory_log_storage::settings{.offsets_skipped_per_unit = gap});
  pumped_log* last_ = nullptr;
};

} // namespace

std::unique_ptr<log_fixture> make_log_fixture() {
  return std::make_unique<memory_log_fixture>();
}

} // namespace freehold::conformance
