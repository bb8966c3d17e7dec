#include "tests/testkit/simulation/plan.hpp"

#include <algorithm>
#include <charconv>

namespace freehold::simulation {

namespace {

/// Choices drawn for one fault, whatever its kind: leaving one out of the list
/// of kinds moves no other.
constexpr moment fault_length_min = 10ms;

engine::engine_options draw_options(choices& chance) {
  engine::engine_options options;
  options.shard_count = 1 + static_cast<std::uint32_t>(chance.below(6));
  options.worker_count = 1 + static_cast<std::uint32_t>(chance.below(2));
  options.direct_delivery = chance.one_in(2);
  // The bounds: mostly far away, often enough at hand.
  options.unit_bytes_max =
      chance.one_of<std::uint64_t>({1U << 10U, 16U << 10U, 4U << 20U});
  options.fetch_bytes = chance.one_of<std::uint32_t>({256, 4096, 1U << 20U});
  options.changelog_slack_bytes =
      chance.one_of<std::uint64_t>({0, 512, 4096, 64U << 20U});
  options.held_bytes_max =
      chance.one_of<std::uint64_t>({1U << 10U, 8U << 10U, 64U << 20U});
  options.timer_bytes_max =
      chance.one_of<std::uint64_t>({1U << 10U, 64U << 20U});
  options.entity_bytes_max =
      chance.one_of<std::uint64_t>({1, 2U << 10U, 1U << 30U});
  options.retry_first_delay = 200ms;
  options.restarts_max = 1'000'000;
  return options;
}

/// Most are short, few are long: as an outage is.
moment draw_length(choices& chance) {
  const auto most =
      chance.one_of<std::uint64_t>({100'000, 1'000'000, 3'000'000, 15'000'000});
  return fault_length_min + moment{chance.below(most)};
}

void draw_faults(plan& into, const campaign& what, std::uint64_t seed) {
  choices chance{seed, purpose::faults};
  // Each kind exists in half of the seeds: what hides behind the noise of all
  // the others has a seed where it is quiet (swarm testing, Groce et al.,
  // ISSTA 2012).
  std::vector<fault_kind> kinds;
  for (const fault_kind kind : all_fault_kinds)
    if (chance.one_in(2) && what.allows(kind))
      kinds.insert(kinds.end(), kind == fault_kind::crash_point ? 2 : 1, kind);
  const std::uint64_t count =
      kinds.empty() || what.fault_count() == 0
          ? 0
          : chance.below(2 * std::uint64_t{what.fault_count()} + 1);
  for (std::uint64_t i = 0; i < count; ++i) {
    fault made;
    made.kind = kinds[chance.below(kinds.size())];
    made.at =
        moment{chance.below(static_cast<std::uint64_t>(into.length.count()))};
    made.how_long = draw_length(chance);
    made.node = static_cast<std::uint32_t>(chance.below(into.node_count));
    made.detail = chance.below(1U << 20U);
    into.faults.push_back({made, 0});
  }
  std::sort(into.faults.begin(), into.faults.end(),
            [](const auto& a, const auto& b) { return a.what.at < b.what.at; });
  for (std::uint32_t i = 0; i < into.faults.size(); ++i)
    into.faults[i].number = i;
}

void draw_commands(plan& into, const campaign& what, std::uint64_t seed) {
  choices chance{seed, purpose::workload};
  const auto span = static_cast<std::uint64_t>(into.length.count());
  std::vector<moment> times;
  for (std::uint32_t i = 0; i < what.command_count(); ++i)
    times.emplace_back(static_cast<std::int64_t>(chance.below(span)));
  std::sort(times.begin(), times.end());
  std::vector<command> before;
  for (std::uint32_t i = 0; i < times.size(); ++i) {
    before.push_back(what.generate(chance, before));
    into.commands.push_back({times[i], before.back(), i});
  }
}

/// Numbers as ranges: `0-3,7`.
template <class List>
std::string ranges_of(const List& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t last = i;
    while (last + 1 < all.size()
           && all[last + 1].number == all[last].number + 1)
      ++last;
    if (!text.empty())
      text += ',';
    text += std::to_string(all[i].number);
    if (last > i)
      text.append("-").append(std::to_string(all[last].number));
    i = last + 1;
  }
  return text.empty() ? "none" : text;
}

template <class List>
void keep(List& of, std::string_view list) {
  if (list == "none") {
    of.clear();
    return;
  }
  std::set<std::uint32_t> kept;
  const char* at = list.data();
  const char* const end = at + list.size();
  const auto number = [&] {
    std::uint32_t read = 0;
    const auto [behind, code] = std::from_chars(at, end, read);
    if (code != std::errc{})
      throw std::invalid_argument("\"" + std::string{list}
                                  + "\" is no list of numbers like 0-3,7");
    at = behind;
    return read;
  };
  for (;;) {
    const std::uint32_t first = number();
    std::uint32_t last = first;
    if (at != end && *at == '-') {
      ++at;
      last = number();
    }
    for (const auto& each : of)
      if (each.number >= first && each.number <= last)
        kept.insert(each.number);
    if (at == end)
      break;
    ++at;
  }
  std::erase_if(of,
                [&](const auto& each) { return !kept.contains(each.number); });
}

} // namespace

plan draw_plan(std::uint64_t seed, const campaign& what) {
  plan made;
  made.seed = seed;
  choices chance{seed, purpose::topology};
  made.node_count = what.nodes_least()
                    + static_cast<std::uint32_t>(chance.below(
                        what.nodes_most() - what.nodes_least() + 1));
  made.broker_count = 1 + static_cast<std::uint32_t>(chance.below(3));
  made.options = draw_options(chance);
  what.tune(made.options, chance);
  made.order = chance.one_of(
      {strategy::random, strategy::random, strategy::random, strategy::random,
       strategy::random, strategy::priorities, strategy::priorities,
       strategy::in_turn, strategy::starve_one, strategy::bursts});
  made.session_timeout = chance.one_of({3000ms, 6000ms, 10000ms});
  made.request_timeout = chance.one_of({500ms, 2000ms});
  made.transaction_timeout = chance.one_of({2000ms, 10000ms});
  made.keeps_copies = !chance.one_in(3);
  made.length =
      std::chrono::duration_cast<moment>(std::chrono::duration<double>(
          1.0 + what.command_count() / what.commands_per_second()));
  draw_commands(made, what, seed);
  draw_faults(made, what, seed);
  return made;
}

std::string replay_options(const plan& which, const campaign& what) {
  std::string text = "--seed " + std::to_string(which.seed);
  const plan whole = draw_plan(which.seed, what);
  if (which.commands.size() != whole.commands.size())
    text.append(" --commands ").append(ranges_of(which.commands));
  if (which.faults.size() != whole.faults.size())
    text.append(" --faults ").append(ranges_of(which.faults));
  if (which.node_count != whole.node_count)
    text.append(" --nodes ").append(std::to_string(which.node_count));
  return text;
}

void keep_commands(plan& of, std::string_view list) { keep(of.commands, list); }
void keep_faults(plan& of, std::string_view list) { keep(of.faults, list); }

} // namespace freehold::simulation
