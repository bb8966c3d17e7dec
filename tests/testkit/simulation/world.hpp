#pragma once

#include "runtime/engine/engine.hpp"
#include "tests/testkit/simulation/crash_points.hpp"
#include "tests/testkit/simulation/cut.hpp"
#include "tests/testkit/simulation/plan.hpp"
#include "tests/testkit/simulation/simulated_kafka.hpp"
#include "tests/testkit/simulation/simulated_log.hpp"
#include "tests/testkit/simulation/story.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::simulation {

/// Nodes of one application on a simulated Kafka: the same engine as in
/// production, under one thread, one virtual time and a seeded order. What a
/// plan says happens by itself as time passes; a test may do more in between.
class world {
public:
  /// The story outlives the world.
  world(const plan& how, const application& app, story& tells);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  // -- time ------------------------------------------------------------------

  /// Lets time pass. Throws `violation` where a node gave up.
  void run_for(moment how_long);
  void run_until(moment when);
  /// Until all that the plan has is over, all faults are mended and nothing is
  /// left to do. Throws `violation` when that takes longer than `limit`.
  void come_to_rest(std::chrono::seconds limit);
  /// Until nothing is left to do for the nodes that are up.
  void rest(std::chrono::seconds limit);

  // -- nodes -----------------------------------------------------------------

  [[nodiscard]] std::uint32_t node_count() const noexcept {
    return static_cast<std::uint32_t>(nodes_.size());
  }
  [[nodiscard]] bool is_up(std::uint32_t node) const {
    return nodes_[node].life != nullptr;
  }
  /// The node that has the shard of a key. Throws `violation` where none does:
  /// `rest` comes first.
  [[nodiscard]] std::uint32_t owner_of(std::string_view key) const;
  void start(std::uint32_t node);
  /// The process dies: what was not committed never was.
  void crash(std::uint32_t node);
  /// The node dies when it comes to that point for the `nth` time from now on
  /// (0: the next time), and starts again after `back_after`.
  void crash_at(std::uint32_t node, crash_point where, std::uint32_t nth,
                moment back_after);
  void apply(const fault& what);
  /// Ends every fault: all nodes up, all brokers up, all connections open.
  void mend();

  // -- records and states ----------------------------------------------------

  void send(const command& what);
  /// What lies in the log now.
  [[nodiscard]] cut look();
  /// An entity's state as JSON, asked of the node that has it, empty where
  /// there is no such entity. Throws `violation` where nobody answers.
  [[nodiscard]] std::string ask(std::string_view type, std::string_view key);

  // -- what came to pass -----------------------------------------------------

  [[nodiscard]] schedule& time() noexcept { return time_; }
  [[nodiscard]] simulated_kafka& kafka() noexcept { return kafka_; }
  [[nodiscard]] engine::engine& host(std::uint32_t node) {
    return *nodes_[node].life->host;
  }
  [[nodiscard]] const engine::application_plan& plan_of_engine() const {
    return *plan_;
  }
  /// The group's offsets of the application's inputs.
  [[nodiscard]] group_offsets taken();
  /// Sums over all lives of all nodes.
  [[nodiscard]] engine::counters totals() const;
  /// How often nodes died at a point where they were to, and at which.
  [[nodiscard]] std::uint64_t crash_count() const noexcept {
    return crash_count_;
  }
  [[nodiscard]] const auto& deaths() const noexcept { return deaths_; }

private:
  /// One life of one process.
  struct node_life final : engine::answer_listener {
    node_life(world& in, std::uint32_t which) : world_(in), node(which) {}
    void answered(const std::vector<engine::answer_notice>& notices) override;

    world& world_;
    const std::uint32_t node;
    std::unique_ptr<simulated_log> log;
    std::unique_ptr<watched_log> between;
    std::unique_ptr<engine::engine> host;
    std::vector<schedule::lane> workers;
  };
  struct node_entry {
    explicit node_entry(const schedule& time) : clock(time) {}
    simulated_clock clock;
    std::unique_ptr<node_life> life;
    /// On its disk.
    std::shared_ptr<local_copy> copy;
    /// Distinguishes the lives.
    std::uint64_t life_number = 0;
    engine::counters past;
  };
  bool reached(std::uint32_t node, crash_point where);
  void arm_next();
  void block_workers(std::uint32_t node, moment until);
  void look_after_nodes();
  void end_entity(std::uint32_t node, std::uint64_t which);
  void expire_taken();
  void lead_to(crash_point where, std::uint32_t node);
  [[nodiscard]] std::optional<std::uint32_t>
  owner_of(partition_index shard) const;
  [[nodiscard]] std::string what_is_left();
  [[nodiscard]] bool all_is_owned();
  [[nodiscard]] bool all_is_taken();
  [[nodiscard]] std::string name_of(std::uint32_t node) const {
    return std::string{"node "}.append(std::to_string(node));
  }
  static std::string member_of(std::uint32_t node) {
    return std::string{"n"}.append(std::to_string(node));
  }

  const plan how_;
  story& story_;
  schedule time_;
  simulated_kafka kafka_;
  std::shared_ptr<const engine::application_plan> plan_;
  schedule::lane control_;
  std::deque<node_entry> nodes_;
  std::vector<plan::planned_crash> crashes_;
  /// How many of the plan's crashes were armed.
  std::size_t armed_ = 0;
  std::uint64_t crash_count_ = 0;
  std::array<std::uint64_t, all_crash_points.size()> deaths_{};
  std::vector<told_answer> told_;
  std::vector<command> sent_;
  bool mended_ = false;
};

} // namespace freehold::simulation
