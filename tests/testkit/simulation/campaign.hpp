#pragma once

#include "runtime/engine/engine_options.hpp"
#include "runtime/entity/application.hpp"
#include "tests/testkit/simulation/choices.hpp"
#include "tests/testkit/simulation/command.hpp"
#include "tests/testkit/simulation/cut.hpp"
#include "tests/testkit/simulation/fault.hpp"
#include "tests/testkit/simulation/violation.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// Something that must hold. Compares, throws `violation` where it does not
/// hold, and returns how many things it compared: a check that never compared
/// anything fails the campaign.
struct invariant {
  std::string name;
  std::function<std::uint64_t(const cut&)> check;
};

/// What is simulated and what must hold: an application, a generator of
/// commands, invariants. Each seed draws the rest: how many nodes, brokers and
/// shards, which faults, in which order things happen.
///
///     campaign{bank()}
///         .commands(200, [](choices& chance) { return random_transfer(chance);
///         }) .at_rest("money is kept", [](const cut& all) { ... });
class campaign {
public:
  explicit campaign(application what) : app_(std::move(what)) {}

  /// Sends that many commands. The generator draws from `choices` alone; if it
  /// takes them, it also sees the commands before, for instance to repeat one.
  template <class Generator>
  campaign& commands(std::uint32_t count, Generator make) {
    command_count_ = count;
    if constexpr (std::is_invocable_r_v<command, Generator&, choices&>)
      generate_ = [make = std::move(make)](
                      choices& chance, const std::vector<command>&) mutable {
        return make(chance);
      };
    else
      generate_ = std::move(make);
    return *this;
  }
  /// Between `least` and `most` nodes, drawn per seed.
  campaign& nodes(std::uint32_t least, std::uint32_t most) {
    nodes_least_ = least;
    nodes_most_ = most;
    return *this;
  }
  /// About that many faults per seed.
  campaign& faults(std::uint32_t about) {
    fault_count_ = about;
    return *this;
  }
  /// No fault of that kind, because the application cannot stand it.
  campaign& without(fault_kind kind) {
    left_out_.insert(kind);
    return *this;
  }
  /// No other faults than of these kinds.
  campaign& only(std::set<fault_kind> kinds) {
    for (const fault_kind each : all_fault_kinds)
      if (!kinds.contains(each))
        left_out_.insert(each);
    return *this;
  }
  /// How many commands are sent in one second of simulated time.
  campaign& rate(double commands_per_second) {
    commands_per_second_ = commands_per_second;
    return *this;
  }
  /// Changes what a seed drew for the engine.
  campaign&
  tune(std::function<void(engine::engine_options&, choices&)> change) {
    tune_ = std::move(change);
    return *this;
  }
  /// Within that much simulated time after the last fault everything must have
  /// come to rest.
  campaign& converges_within(std::chrono::seconds limit) {
    rest_limit_ = limit;
    return *this;
  }

  // -- what must hold --------------------------------------------------------

  /// At rest: all faults are mended and nothing is left to do.
  template <std::invocable<const cut&> Check>
  campaign& at_rest(std::string name, Check check) {
    at_rest_.push_back({std::move(name), counting(std::move(check))});
    return *this;
  }
  /// At every moment at which somebody outside looks.
  template <std::invocable<const cut&> Check>
  campaign& always(std::string name, Check check) {
    always_.push_back({std::move(name), counting(std::move(check))});
    return *this;
  }
  /// In some seeds; a campaign that never sees it fails.
  campaign& sometimes(std::string name, std::function<bool(const cut&)> look) {
    sometimes_.emplace_back(std::move(name), std::move(look));
    return *this;
  }
  /// The states at rest do not depend on how many nodes there were and what
  /// went wrong: the same commands are run on one node without any fault. For
  /// applications whose result does not depend on the order between keys.
  campaign& same_on_one_node() {
    same_on_one_node_ = true;
    return *this;
  }

  /// Over its seeds every kind of fault that it allows, every crash point and
  /// every rare moment of Kafka (`kafka_mark`) must come to pass: a campaign
  /// that is to prove something of the runtime itself, and has the seeds for
  /// it.
  campaign& reaches_everything() {
    reaches_everything_ = true;
    return *this;
  }

  // -- for the runner --------------------------------------------------------

  [[nodiscard]] const application& app() const noexcept { return app_; }
  [[nodiscard]] std::uint32_t command_count() const noexcept {
    return command_count_;
  }
  [[nodiscard]] command generate(choices& chance,
                                 const std::vector<command>& before) const {
    return generate_(chance, before);
  }
  [[nodiscard]] std::uint32_t nodes_least() const noexcept {
    return nodes_least_;
  }
  [[nodiscard]] std::uint32_t nodes_most() const noexcept {
    return nodes_most_;
  }
  [[nodiscard]] std::uint32_t fault_count() const noexcept {
    return fault_count_;
  }
  [[nodiscard]] bool allows(fault_kind kind) const {
    return !left_out_.contains(kind);
  }
  [[nodiscard]] double commands_per_second() const noexcept {
    return commands_per_second_;
  }
  void tune(engine::engine_options& options, choices& chance) const {
    if (tune_)
      tune_(options, chance);
  }
  [[nodiscard]] std::chrono::seconds rest_limit() const noexcept {
    return rest_limit_;
  }
  [[nodiscard]] const auto& at_rest() const noexcept { return at_rest_; }
  [[nodiscard]] const auto& always() const noexcept { return always_; }
  [[nodiscard]] const auto& sometimes() const noexcept { return sometimes_; }
  [[nodiscard]] bool is_to_reach_everything() const noexcept {
    return reaches_everything_;
  }
  [[nodiscard]] bool is_same_on_one_node() const noexcept {
    return same_on_one_node_;
  }

private:
  /// A check that returns nothing or a bool compared one thing.
  template <class Check>
  static std::function<std::uint64_t(const cut&)> counting(Check check) {
    return [check = std::move(check)](const cut& all) -> std::uint64_t {
      using returned = std::invoke_result_t<Check&, const cut&>;
      if constexpr (std::is_void_v<returned>) {
        std::invoke(check, all);
        return 1;
      } else if constexpr (std::same_as<returned, bool>) {
        require(std::invoke(check, all), "it does not hold");
        return 1;
      } else {
        return std::invoke(check, all);
      }
    };
  }

  application app_;
  std::uint32_t command_count_ = 200;
  std::function<command(choices&, const std::vector<command>&)> generate_;
  std::uint32_t nodes_least_ = 1;
  std::uint32_t nodes_most_ = 5;
  std::uint32_t fault_count_ = 5;
  std::set<fault_kind> left_out_;
  double commands_per_second_ = 20;
  std::function<void(engine::engine_options&, choices&)> tune_;
  std::chrono::seconds rest_limit_{600};
  std::vector<invariant> at_rest_;
  std::vector<invariant> always_;
  std::vector<std::pair<std::string, std::function<bool(const cut&)>>>
      sometimes_;
  bool same_on_one_node_ = false;
  bool reaches_everything_ = false;
};

} // namespace freehold::simulation
