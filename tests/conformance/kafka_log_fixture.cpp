// The log on a real Kafka, that of FREEHOLD_BOOTSTRAP: each case has topics and
// a group of its own there. Where cases do away with the cluster it is theirs
// alone, and FREEHOLD_BROKER is scripts/broker.
#include "bridges/kafka/kafka_log.hpp"
#include "bridges/kafka/kafka_log_reader.hpp"
#include "bridges/log/lmdb_changelog_copy.hpp"
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/temporary_directory.hpp"
#include "tests/testkit/forwarding_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace freehold::conformance {

namespace {

using bridges::kafka::kafka_log;
using bridges::kafka::kafka_log_reader;
using bridges::kafka::kafka_settings;
using namespace std::chrono_literals;

/// The shortest that a broker grants by itself.
constexpr std::chrono::milliseconds short_session = 6s;
/// Longer than a broker takes to come back.
constexpr std::chrono::milliseconds long_session = 60s;

std::string unused_name() {
  static int count = 0;
  return "case-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

ports::log_layout renamed(ports::log_layout layout, const std::string& prefix) {
  for (auto& each : layout.topics)
    each.name = prefix + "-" + each.name;
  return layout;
}

/// Its topics have names that only this case has.
class named_log final : public testkit::forwarding_log {
public:
  named_log(std::unique_ptr<kafka_log> below, std::string prefix,
            ports::log_layout& seen)
      : forwarding_log(*below),
        below_(std::move(below)),
        prefix_(std::move(prefix)),
        seen_(seen) {}
  ~named_log() override { below_->stop(); }

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override {
    auto* const before = above_;
    const auto all = renamed(layout, prefix_);
    auto started = forwarding_log::start(all, listener);
    if (started)
      seen_ = all;
    else if (before != nullptr)
      above_ = before;
    return started;
  }

private:
  std::unique_ptr<kafka_log> below_;
  const std::string prefix_;
  ports::log_layout& seen_;
};

/// Shows them by the names that the case knows.
class named_reader final : public ports::log_reader {
public:
  named_reader(std::unique_ptr<ports::log_reader> below, std::size_t skipped)
      : below_(std::move(below)), skipped_(skipped) {}

  result<std::vector<ports::topic_description>> topics() override {
    auto all = below_->topics();
    if (all)
      for (auto& each : *all)
        each.spec.name.erase(0, skipped_);
    return all;
  }
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override {
    return below_->read(source, from, bytes_max);
  }

private:
  std::unique_ptr<ports::log_reader> below_;
  const std::size_t skipped_;
};

class kafka_log_fixture final : public log_fixture {
public:
  kafka_log_fixture() {
    const char* const servers = std::getenv("FREEHOLD_BOOTSTRAP");
    if (servers == nullptr)
      throw std::runtime_error("FREEHOLD_BOOTSTRAP names no broker");
    how_.bootstrap_servers = servers;
    how_.application = unused_name();
    how_.node_id = "node";
    how_.session_timeout = short_session;
    how_.transaction_timeout = 10s;
  }

  std::unique_ptr<ports::event_log> open() override {
    return open_on(directory_);
  }
  std::unique_ptr<ports::event_log> open_elsewhere() override {
    return open_on(elsewhere_);
  }
  std::unique_ptr<ports::log_reader> open_reader() override {
    return std::make_unique<named_reader>(
        std::move(kafka_log_reader::open(how_, layout_).value()),
        how_.application.size() + 1);
  }
  void plan_commit(planned how) override { last_->plan_commit(end_of(how)); }
  void plan_produce(planned how) override { last_->plan_produce(end_of(how)); }
  [[nodiscard]] timestamp kept_time(timestamp when) const override {
    return std::max(when, bridges::kafka::earliest_time);
  }
  [[nodiscard]] bool contiguous() const override { return false; }
  /// Each takes half a minute; FREEHOLD_SCRIPTS asks for more of them.
  [[nodiscard]] int script_count() const override {
    const char* const wanted = std::getenv("FREEHOLD_SCRIPTS");
    return wanted == nullptr ? 1 : std::atoi(wanted);
  }
  void revoke(std::vector<partition_index> shards) override {
    last_->move(kafka_log::movement::revoked, shards);
  }
  void lose(std::vector<partition_index> shards) override {
    last_->move(kafka_log::movement::lost, shards);
  }
  void grant(std::vector<partition_index> shards) override {
    last_->move(kafka_log::movement::assigned, shards);
  }

  void plan_outage(sessions_in_outage which) override {
    how_.session_timeout =
        which == sessions_in_outage::last ? long_session : short_session;
  }
  void take_cluster_away() override { broker("stop"); }
  void bring_cluster_back() override { broker("start"); }
  /// By other topics and another group of the same one; what is on the disk
  /// names neither.
  void replace_cluster() override { how_.application = unused_name(); }

private:
  std::unique_ptr<ports::event_log> open_on(const temporary_directory& disk) {
    auto made = std::make_unique<kafka_log>(how_, time_, open_copy(disk));
    last_ = made.get();
    return std::make_unique<named_log>(std::move(made), how_.application,
                                       layout_);
  }

  void broker(const std::string& command) const {
    const char* const script = std::getenv("FREEHOLD_BROKER");
    if (script == nullptr)
      throw std::runtime_error("FREEHOLD_BROKER names no script");
    const auto& servers = how_.bootstrap_servers;
    const std::string line = "'" + std::string{script} + "' " + command
                             + " --port "
                             + servers.substr(servers.find(':') + 1);
    if (std::system(line.c_str()) != 0) // NOLINT: one thread, a fixed line
      throw std::runtime_error("failed: " + line);
  }

  [[nodiscard]] std::unique_ptr<ports::changelog_copy>
  open_copy([[maybe_unused]] const temporary_directory& disk) const {
#ifdef FREEHOLD_CONFORMANCE_COPY
    return bridges::log::lmdb_changelog_copy::open({.directory = disk.path(),
                                                    .changelog = "changelog",
                                                    .shard_count = 16,
                                                    .map_bytes_max = 1U << 30U,
                                                    .clock = &time_,
                                                    .warn = {}})
        .value();
#else
    return nullptr;
#endif
  }

  static kafka_log::planned_end end_of(planned how) {
    return how == planned::failed ? kafka_log::planned_end::failed
           : how == planned::unknown_lost
               ? kafka_log::planned_end::unknown_lost
               : kafka_log::planned_end::unknown_applied;
  }

  const temporary_directory directory_;
  const temporary_directory elsewhere_;
  const system_clock time_;
  kafka_settings how_;
  ports::log_layout layout_;
  kafka_log* last_ = nullptr;
};

} // namespace

std::unique_ptr<log_fixture> make_log_fixture() {
  return std::make_unique<kafka_log_fixture>();
}

} // namespace freehold::conformance
