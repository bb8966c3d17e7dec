// The log on a simulated Kafka. Time passes with each call, so that all it
// brings about has come to pass when it returns.
#include "tests/conformance/log_fixture.hpp"
#include "tests/testkit/simulation/simulated_log.hpp"

#include <mutex>
#include <set>

namespace freehold::conformance {

namespace {

using namespace simulation;

constexpr const char* group_name = "conformance";
/// More than a rebalance and every timeout take.
constexpr moment long_enough = 20s;
/// More than a few calls take.
constexpr moment outage = 100s;

constexpr moment short_session = 6s;
constexpr moment long_session = 10 * outage;

struct cluster {
  explicit cluster(moment session)
      : session_timeout(session),
        kafka(time, 1, {.broker_count = 3, .session_timeout = session}) {}

  std::recursive_mutex gate;
  schedule time{1, strategy::in_turn};
  const moment session_timeout;
  simulated_kafka kafka;
};

class settled_log final : public ports::event_log {
public:
  explicit settled_log(cluster& where)
      : where_(where),
        inner_(where.kafka, {.node_id = "node",
                             .group = group_name,
                             .session_timeout = where.session_timeout}) {}
  ~settled_log() override { stop(); }

  template <class Change>
  auto settled(const Change& change) {
    const std::lock_guard lock{where_.gate};
    struct settle {
      schedule& time;
      ~settle() { time.run_for(long_enough); }
    } const after{where_.time};
    return change();
  }

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override {
    return settled([&] { return inner_.start(layout, listener); });
  }
  void fetch(const ports::fetch_request& what) override {
    settled([&] { inner_.fetch(what); });
  }
  void cancel_fetch(topic_partition source) override {
    settled([&] { inner_.cancel_fetch(source); });
  }
  void look_up(std::shared_ptr<ports::lookup> what) override {
    settled([&] { inner_.look_up(std::move(what)); });
  }
  void commit(std::shared_ptr<const ports::commit_unit> unit) override {
    settled([&] { inner_.commit(std::move(unit)); });
  }
  void recover() override {
    settled([&] { inner_.recover(); });
  }
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override {
    settled([&] { inner_.produce(std::move(what), std::move(answer)); });
  }
  void truncate(topic_partition target, next_offset before) override {
    settled([&] { inner_.truncate(target, before); });
  }
  void release(const std::vector<partition_index>& shards) override {
    settled([&] { inner_.release(shards); });
  }
  void stop() override {
    const std::lock_guard lock{where_.gate};
    inner_.stop();
  }

  [[nodiscard]] simulated_log& inner() noexcept { return inner_; }

private:
  cluster& where_;
  simulated_log inner_;
};

/// The reader beside, under the lock that the log is under.
class locked_reader final : public ports::log_reader {
public:
  explicit locked_reader(cluster& where) : where_(where) {}

  result<std::vector<ports::topic_description>> topics() override {
    const std::lock_guard lock{where_.gate};
    return where_.kafka.reader().topics();
  }
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override {
    const std::lock_guard lock{where_.gate};
    return where_.kafka.reader().read(source, from, bytes_max);
  }

private:
  cluster& where_;
};

class simulated_log_fixture final : public log_fixture {
public:
  std::unique_ptr<ports::event_log> open() override {
    auto made = std::make_unique<settled_log>(*cluster_);
    last_ = made.get();
    return made;
  }
  std::unique_ptr<ports::log_reader> open_reader() override {
    return std::make_unique<locked_reader>(*cluster_);
  }
  void plan_commit(planned how) override {
    last_->inner().units().plan_end(fault_of(how), moment{0});
  }
  void plan_produce(planned how) override {
    last_->inner().outside().plan_end(fault_of(how), moment{0});
  }
  void revoke(std::vector<partition_index> shards) override {
    last_->settled([&] { group().withhold(numbers_of(shards)); });
  }
  void lose(std::vector<partition_index> shards) override {
    last_->settled([&] { last_->inner().member().lose(numbers_of(shards)); });
  }
  void grant(std::vector<partition_index> shards) override {
    last_->settled([&] { group().give_back(numbers_of(shards)); });
  }
  void plan_outage(sessions_in_outage which) override {
    cluster_ = std::make_unique<cluster>(
        which == sessions_in_outage::last ? long_session : short_session);
  }
  void take_cluster_away() override {
    const std::lock_guard lock{cluster_->gate};
    for (std::uint32_t i = 0; i < cluster_->kafka.broker_count(); ++i)
      last_->inner().network().clog(i, cluster_->time.now() + outage);
  }
  void bring_cluster_back() override {
    const std::lock_guard lock{cluster_->gate};
    cluster_->time.run_for(outage + long_enough);
  }
  [[nodiscard]] bool contiguous() const override { return false; }

private:
  static std::set<std::uint32_t>
  numbers_of(const std::vector<partition_index>& shards) {
    std::set<std::uint32_t> numbers;
    for (const partition_index each : shards)
      numbers.insert(each.value());
    return numbers;
  }
  static end_fault fault_of(planned how) {
    return how == planned::failed         ? end_fault::refused
           : how == planned::unknown_lost ? end_fault::lost
                                          : end_fault::applied;
  }
  consumer_group& group() { return cluster_->kafka.group(group_name); }

  std::unique_ptr<cluster> cluster_ = std::make_unique<cluster>(short_session);
  settled_log* last_ = nullptr;
};

} // namespace

std::unique_ptr<log_fixture> make_log_fixture() {
  return std::make_unique<simulated_log_fixture>();
}

} // namespace freehold::conformance
