#include "tests/testkit/simulation/run.hpp"

#include "tests/testkit/simulation/checks.hpp"
#include "tests/testkit/simulation/world.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace freehold::simulation {

namespace {

/// Of the first seeds all are run twice.
constexpr std::uint64_t twice_first = 50;
/// Somebody outside looks that often.
constexpr moment look_interval = 2s;
/// What the last unit of a shard adds to its changelog may stay until the next
/// one: compaction rides on units.
constexpr std::uint64_t last_unit_bytes_max = 4096;
/// The last lines of a story are what led to the failure.
constexpr std::size_t story_lines_max = 60;

std::string mark_of(crash_point which) {
  return std::string{"a node died at: "}.append(name_of(which));
}
std::string mark_of(kafka_mark which) {
  return std::string{"kafka: "}.append(name_of(which));
}
std::string mark_of(fault_kind which) {
  return std::string{"fault: "}.append(name_of(which));
}

/// The engine warns of what is planned here.
class quiet {
public:
  quiet() : before_(spdlog::get_level()) {
    spdlog::set_level(spdlog::level::off);
  }
  quiet(const quiet&) = delete;
  quiet& operator=(const quiet&) = delete;
  ~quiet() { spdlog::set_level(before_); }

private:
  const spdlog::level::level_enum before_;
};

/// One run, and what it finds.
class runner {
public:
  runner(const plan& which, const campaign& what, story& tells, outcome& into)
      : plan_(which), campaign_(what), story_(tells), into_(into) {}

  void run() {
    within("the simulation goes on", [this] {
      world_.emplace(plan_, campaign_.app(), story_);
      return 1;
    });
    const bool looks = !campaign_.always().empty();
    for (moment at = look_interval; !into_.failed && at < plan_.length;
         at += look_interval) {
      within("nodes do not give up", [&] {
        world_->run_until(at);
        return 1;
      });
      within("the group's offsets do not go back",
             [this] { return offsets_go_on(); });
      if (looks)
        check(campaign_.always());
    }
    within("it comes to rest", [this] {
      world_->come_to_rest(campaign_.rest_limit());
      return 1;
    });
    const cut rest = look();
    const auto states =
        into_.failed ? std::map<std::string, std::string>{} : rest.all_states();
    check(campaign_.always(), rest);
    check(campaign_.at_rest(), rest);
    if (has_journals())
      within("states are the folds of their journals",
             [&] { return states_are_folds(rest); });
    within("bounds are kept", [this] { return bounds_are_kept(); });
    within("the group's offsets are those of the changelog",
           [&] { return compare_offsets(rest); });
    within("memory is what the log says",
           [&] { return compare_memory(states); });
    within("a restart changes nothing", [&] { return restart(states); });
    if (campaign_.is_same_on_one_node() && !into_.failed)
      one_node(states);
    finish();
  }

private:
  template <class Work>
  void within(const char* invariant, const Work& work) {
    if (into_.failed)
      return;
    try {
      into_.compared[invariant] += static_cast<std::uint64_t>(work());
    } catch (const std::exception& wrong) {
      into_.failed = outcome::failure{invariant, wrong.what()};
    }
  }

  cut look() {
    // After a failure nothing is looked at any more.
    return world_->look();
  }

  void check(const std::vector<invariant>& all) {
    if (!into_.failed)
      check(all, look());
  }
  void check(const std::vector<invariant>& all, const cut& now) {
    for (const auto& each : all)
      within(each.name.c_str(), [&] { return each.check(now); });
    for (const auto& [name, is_so] : campaign_.sometimes())
      if (!into_.failed)
        into_.marks[name] += is_so(now) ? 1 : 0;
  }

  [[nodiscard]] bool has_journals() const {
    const auto& types = world_->plan_of_engine().types;
    return std::any_of(types.begin(), types.end(), [](const auto& each) {
      return each->traits().journal == journal_mode::events;
    });
  }

  /// At rest, when no unit is under way that has more in its hands.
  std::uint64_t bounds_are_kept() {
    const auto& how = plan_.options;
    std::uint64_t memory_max = 0;
    for (const auto& type : world_->plan_of_engine().types) {
      const auto own = how.entity_bytes_max_of.find(type->traits().type);
      memory_max += own == how.entity_bytes_max_of.end() ? how.entity_bytes_max
                                                         : own->second;
    }
    std::uint64_t compared = 0;
    for (std::uint32_t node = 0; node < world_->node_count(); ++node) {
      if (!world_->is_up(node))
        continue;
      const auto now = world_->host(node).count();
      const double changelog_max =
          how.changelog_live_factor
              * static_cast<double>(now.changelog_live_bytes)
          + static_cast<double>(
              how.shard_count
              * (how.changelog_slack_bytes + last_unit_bytes_max));
      require(static_cast<double>(now.changelog_bytes) <= changelog_max,
              "node " + std::to_string(node) + " keeps "
                  + std::to_string(now.changelog_bytes)
                  + " bytes of changelogs, of which "
                  + std::to_string(now.changelog_live_bytes) + " live");
      require(now.entity_bytes <= memory_max,
              "node " + std::to_string(node) + " keeps "
                  + std::to_string(now.entity_bytes)
                  + " bytes of idle entities in memory, and may keep "
                  + std::to_string(memory_max));
      ++compared;
    }
    return compared;
  }

  std::uint64_t offsets_go_on() {
    group_offsets now = world_->taken();
    for (const auto& [where, offset] : offsets_) {
      const auto known = now.find(where);
      require(known != now.end() && known->second >= offset,
              "an offset went back");
    }
    offsets_ = std::move(now);
    return offsets_.size();
  }

  /// Of inputs of which something was taken.
  std::uint64_t compare_offsets(const cut& rest) {
    const auto topics = world_->kafka().reader().topics().value();
    const group_offsets taken = world_->taken();
    std::uint64_t compared = 0;
    for (std::uint32_t shard = 0; shard < rest.views().size(); ++shard)
      for (const auto& [name, position] : rest.views()[shard].positions()) {
        const auto topic =
            std::find_if(topics.begin(), topics.end(), [&](const auto& each) {
              return each.spec.name == name;
            });
        const auto offset = taken.find(
            {static_cast<std::uint32_t>(topic - topics.begin()), shard});
        require(offset != taken.end() && offset->second == position,
                name + " " + std::to_string(shard) + " was taken to "
                    + std::to_string(position.value())
                    + " by the changelog, and not by the group's offset");
        ++compared;
      }
    return compared;
  }

  std::uint64_t
  compare_memory(const std::map<std::string, std::string>& states) {
    for (const auto& [address, state] : states) {
      const auto slash = address.find('/');
      const std::string asked =
          world_->ask(address.substr(0, slash), address.substr(slash + 1));
      require(asked == state, address + " is " + asked + " in memory and "
                                  + state + " in the log");
    }
    return states.size();
  }

  /// Everybody dies, and one node takes up all of it.
  std::uint64_t restart(const std::map<std::string, std::string>& states) {
    for (std::uint32_t i = 0; i < world_->node_count(); ++i)
      world_->crash(i);
    world_->start(0);
    world_->rest(campaign_.rest_limit());
    require(world_->look().all_states() == states,
            "the states in the log are others after a restart");
    return compare_memory(states);
  }

  void one_node(const std::map<std::string, std::string>& states) {
    plan alone = plan_;
    alone.node_count = 1;
    alone.faults.clear();
    alone.order = strategy::in_turn;
    within("one node without faults comes to the same", [&] {
      story silent;
      world other{alone, campaign_.app(), silent};
      other.come_to_rest(campaign_.rest_limit());
      const auto theirs = other.look().all_states();
      for (const auto& [address, state] : theirs) {
        const auto ours = states.find(address);
        require(ours != states.end(), address + " is missing");
        require(ours->second == state,
                address + " is " + ours->second + " instead of " + state);
      }
      require(theirs.size() == states.size(), "there are more entities");
      return theirs.size();
    });
  }

  void finish() {
    if (!world_)
      return;
    into_.hash = world_->time().hash();
    into_.steps = world_->time().step_count();
    into_.simulated = world_->time().now();
    const auto sum = world_->totals();
    into_.marks["a duplicate was recognised"] += sum.duplicates;
    into_.marks["a message was retried"] += sum.retried;
    into_.marks["a timer fired"] += sum.timers_fired;
    into_.marks["a unit was undone"] += sum.units_undone;
    into_.marks["a shard was restored as a whole"] += sum.restores;
    into_.marks["an undo was quick"] += sum.quick_undos;
    into_.marks["an entity came back into memory"] += sum.brought_back;
    into_.marks["compaction wrote"] += sum.compacted_bytes > 0 ? 1 : 0;
    into_.marks["a planned crash came to pass"] += world_->crash_count();
    for (const crash_point each : all_crash_points)
      into_.marks[mark_of(each)] +=
          world_->deaths()[static_cast<std::size_t>(each)];
    for (const kafka_mark each : all_kafka_marks)
      into_.marks[mark_of(each)] += world_->kafka().marks().count(each);
    for (const fault_kind each : all_fault_kinds)
      if (campaign_.allows(each))
        into_.marks[mark_of(each)] += 0;
    for (const auto& each : plan_.faults)
      ++into_.marks[mark_of(each.what.kind)];
  }

  const plan& plan_;
  const campaign& campaign_;
  story& story_;
  outcome& into_;
  std::optional<world> world_;
  group_offsets offsets_;
};

} // namespace

outcome run(const plan& which, const campaign& what, story& tells) {
  const quiet silence;
  outcome made;
  for (const auto& [name, is_so] : what.sometimes())
    made.marks[name] = 0;
  for (const auto* list : {&what.always(), &what.at_rest()})
    for (const auto& each : *list)
      made.compared[each.name] = 0;
  runner{which, what, tells, made}.run();
  return made;
}

outcome run(const plan& which, const campaign& what) {
  story silent;
  return run(which, what, silent);
}

// -- shrinking ---------------------------------------------------------------

namespace {

class shrinker {
public:
  shrinker(const campaign& what, const std::string& invariant,
           std::uint32_t runs_max)
      : campaign_(what), invariant_(invariant), runs_left_(runs_max) {}

  plan run(plan failing) {
    for (std::size_t before = 0;
         before != failing.faults.size() + failing.commands.size();) {
      before = failing.faults.size() + failing.commands.size();
      drop_kinds(failing);
      thin_out(failing, &plan::faults);
      thin_out(failing, &plan::commands);
      fewer_nodes(failing);
    }
    return failing;
  }

private:
  bool fails(const plan& tried) {
    if (runs_left_ == 0)
      return false;
    --runs_left_;
    const auto came = simulation::run(tried, campaign_);
    return came.failed && came.failed->invariant == invariant_;
  }

  void drop_kinds(plan& failing) {
    for (const fault_kind kind : all_fault_kinds) {
      plan tried = failing;
      const auto gone = std::erase_if(tried.faults, [&](const auto& each) {
        return each.what.kind == kind;
      });
      if (gone > 0 && fails(tried))
        failing = std::move(tried);
    }
  }

  /// Leaves out pieces of a list, at first large ones.
  template <class List>
  void thin_out(plan& failing, List plan::*which) {
    for (std::size_t piece =
             std::max<std::size_t>((failing.*which).size() / 2, 1);
         ;) {
      for (std::size_t at = 0; at < (failing.*which).size();) {
        plan tried = failing;
        auto& list = tried.*which;
        const auto from = list.begin() + static_cast<std::ptrdiff_t>(at);
        list.erase(from, from
                             + static_cast<std::ptrdiff_t>(
                                 std::min(piece, list.size() - at)));
        if (fails(tried))
          failing = std::move(tried);
        else
          at += piece;
      }
      if (piece == 1)
        return;
      piece /= 2;
    }
  }

  void fewer_nodes(plan& failing) {
    while (failing.node_count > 1) {
      plan tried = failing;
      --tried.node_count;
      for (auto& each : tried.faults)
        each.what.node = std::min(each.what.node, tried.node_count - 1);
      if (!fails(tried))
        return;
      failing = std::move(tried);
    }
  }

  const campaign& campaign_;
  const std::string& invariant_;
  std::uint32_t runs_left_;
};

} // namespace

plan shrink(const plan& failing, const campaign& what,
            const std::string& invariant, std::uint32_t runs_max) {
  return shrinker{what, invariant, runs_max}.run(failing);
}

// -- campaigns ---------------------------------------------------------------

namespace {

void add(std::map<std::string, std::uint64_t>& into,
         const std::map<std::string, std::uint64_t>& from) {
  for (const auto& [name, count] : from)
    into[name] += count;
}

report::failing_seed explain(const plan& failing, const campaign& what,
                             const outcome& came, bool shrinks) {
  report::failing_seed made;
  made.seed = failing.seed;
  const plan least =
      shrinks ? shrink(failing, what, came.failed->invariant) : failing;
  story tells{true};
  const auto again = run(least, what, tells);
  made.why = again.failed.value_or(*came.failed);
  made.replay = replay_options(least, what);
  made.commands = least.commands.size();
  made.faults = least.faults.size();
  const auto& lines = tells.lines();
  const auto from = lines.size() > story_lines_max
                        ? lines.end() - story_lines_max
                        : lines.begin();
  made.lines.assign(from, lines.end());
  return made;
}

bool is_named(const auto& list, const std::string& name) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& each) { return each.first == name; });
}

} // namespace

report run_campaign(const campaign& what, const run_options& how) {
  report all;
  const std::time_t begin = std::time(nullptr);
  const auto is_over = [&] {
    if (all.failures.size() >= how.failures_max)
      return true;
    if (how.time_limit.count() > 0)
      return std::time(nullptr) - begin >= how.time_limit.count();
    return all.seeds >= how.seed_count;
  };
  while (!is_over()) {
    const std::uint64_t seed = how.first_seed + all.seeds;
    const plan drawn = draw_plan(seed, what);
    const auto came = run(drawn, what);
    ++all.seeds;
    all.steps += came.steps;
    all.simulated += came.simulated;
    add(all.compared, came.compared);
    add(all.marks, came.marks);
    if (came.failed) {
      all.failures.push_back(explain(drawn, what, came, how.shrinks));
    } else if (how.twice_one_in > 0
               && (all.seeds <= twice_first || seed % how.twice_one_in == 0)) {
      ++all.twice;
      const auto again = run(drawn, what);
      if (again.hash != came.hash)
        all.failures.push_back(
            {seed,
             {"the same seed takes the same course",
              "it took " + std::to_string(came.steps) + " steps and then "
                  + std::to_string(again.steps)},
             "--seed " + std::to_string(seed),
             drawn.commands.size(),
             drawn.faults.size(),
             {}});
    }
    if (how.progress)
      how.progress(all);
  }
  if (!all.failures.empty())
    return all;
  for (const auto& [name, count] : all.compared)
    if (count == 0)
      all.never.push_back("compared nothing: " + name);
  for (const auto& [name, count] : all.marks)
    if (count == 0
        && (what.is_to_reach_everything() || is_named(what.sometimes(), name)))
      all.never.push_back("never happened: " + name);
  return all;
}

namespace {

class exhaustive_run {
public:
  exhaustive_run(const campaign& what, const exhaustive_options& how)
      : campaign_(what), how_(how), plan_(draw_plan(how.seed, what)) {
    plan_.faults.clear();
    for (const fault& each : how.faults)
      plan_.faults.push_back(
          {each, static_cast<std::uint32_t>(plan_.faults.size())});
    plan_.node_count = how.node_count;
  }

  report all() {
    one({});
    for (std::uint32_t node = 0; node < how_.node_count; ++node)
      for (const crash_point first : all_crash_points)
        for (std::uint32_t nth = 0; nth < how_.times_max && goes_on(); ++nth) {
          const plan::planned_crash at{node, first, nth, how_.back_after};
          if (!one({at}))
            break; // it does not come there so often
          if (nth < how_.pairs_times_max)
            for (const crash_point second : all_crash_points)
              if (goes_on())
                one({at, {node, second, 0, how_.back_after}});
        }
    for (const auto& [name, count] : report_.compared)
      if (count == 0)
        report_.never.push_back("compared nothing: " + name);
    for (const crash_point each : all_crash_points)
      if (report_.marks[mark_of(each)] == 0)
        report_.never.push_back("never happened: " + mark_of(each));
    return std::move(report_);
  }

private:
  [[nodiscard]] bool goes_on() const { return report_.failures.empty(); }

  /// Whether the first crash came to pass.
  bool one(std::vector<plan::planned_crash> crashes) {
    plan tried = plan_;
    tried.crashes = std::move(crashes);
    const outcome came = simulation::run(tried, campaign_);
    ++report_.seeds;
    report_.steps += came.steps;
    report_.simulated += came.simulated;
    add(report_.compared, came.compared);
    add(report_.marks, came.marks);
    if (came.failed) {
      story tells{true};
      (void)simulation::run(tried, campaign_, tells);
      std::string which;
      for (const auto& each : tried.crashes)
        which += "node " + std::to_string(each.node) + " dies at "
                 + std::string{name_of(each.where)} + " number "
                 + std::to_string(each.nth) + "; ";
      report_.failures.push_back({how_.seed, *came.failed, which,
                                  tried.commands.size(), tried.crashes.size(),
                                  tells.lines()});
    }
    return came.marks.at("a planned crash came to pass") > 0;
  }

  const campaign& campaign_;
  const exhaustive_options how_;
  plan plan_;
  report report_;
};

} // namespace

report run_exhaustively(const campaign& what, const exhaustive_options& how) {
  return exhaustive_run{what, how}.all();
}

std::string to_text(const std::vector<story::line>& lines) {
  std::string text;
  for (const auto& line : lines) {
    std::array<char, 32> when{};
    std::snprintf(when.data(), when.size(), "  %10.6f ",
                  static_cast<double>(line.at.count()) / 1e6);
    text.append(when.data()).append(line.who).append(" ").append(line.what);
    if (line.times > 1)
      text.append(" (").append(std::to_string(line.times)).append(" times)");
    text += '\n';
  }
  return text;
}

std::string to_text(const report& all) {
  std::string text =
      std::to_string(all.seeds) + " seeds (" + std::to_string(all.twice)
      + " of them twice), " + std::to_string(all.steps) + " steps, "
      + std::to_string(all.simulated / 1s) + " simulated seconds\n";
  for (const auto& [name, count] : all.compared)
    text += "  compared " + std::to_string(count) + ": " + name + "\n";
  for (const auto& [name, count] : all.marks)
    text += "  " + std::to_string(count) + " times: " + name + "\n";
  for (const auto& each : all.never)
    text += "  NEVER, so it proves nothing: " + each + "\n";
  for (const auto& each : all.failures) {
    text += "seed " + std::to_string(each.seed)
            + " fails: " + each.why.invariant + ": " + each.why.what
            + "\n  with " + std::to_string(each.commands) + " commands and "
            + std::to_string(each.faults)
            + " faults; replay it with: freehold-sim " + each.replay + "\n";
    text += to_text(each.lines);
  }
  return text;
}

} // namespace freehold::simulation
