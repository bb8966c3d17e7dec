#include "node/commands/commands.hpp"
#include "node/commands/opened_log.hpp"
#include "node/record_json.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/engine/changelog_view.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::node::commands {

namespace {

using codec::dynamic_value;
using engine::changelog_view;

constexpr const char* list_examples = R"(
Reads the committed states from the changelog, sorted by key. Works beside a
running node and without one.

Examples:
  freehold entity list neighborhood --data data/demo
  freehold entity list property --data data/demo --limit 5 --json

)";
constexpr const char* show_examples = R"(
Shows the committed state, its version (how often it changed), what waits for
the entity (held messages, timers) and how far its shard has read each topic.
Works beside a running node and without one.

Examples:
  freehold entity show neighborhood 98103 --data data/demo
  freehold entity show property 7129300520 --data data/demo --json

)";

struct entity_flags {
  configuration_flags configuration;
  bool json = false;
  std::string type;
  std::string key;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

/// The log and the type that the flags name; otherwise says why not.
struct named_type {
  opened_log log;
  std::uint32_t type = 0;
};

std::optional<named_type> open(const entity_flags& flags, exit_status& status) {
  status = exit_status::cannot_run;
  auto log = open_log(flags.configuration);
  if (!log)
    return std::nullopt;
  const auto type = find_type(*log->plan, flags.type);
  if (!type) {
    status = exit_status::partly;
    return std::nullopt;
  }
  return named_type{*std::move(log), *type};
}

std::string text_of(const dynamic_value& value) {
  std::string text;
  codec::to_json(text, value);
  return text;
}

// -- list --------------------------------------------------------------------

exit_status list(const entity_flags& flags) {
  exit_status status{};
  const auto named = open(flags, status);
  if (!named)
    return status;
  const auto& [log, type] = *named;
  std::vector<changelog_view> views;
  for (std::uint32_t i = 0; i < log.plan->options.shard_count; ++i) {
    auto view = changelog_view::read(*log.reader, log.plan, partition_index{i});
    if (!view) {
      complain(view.error());
      return exit_status::cannot_run;
    }
    views.push_back(*std::move(view));
  }
  // By key over all shards.
  std::map<std::string_view, std::pair<const changelog_view*,
                                       const changelog_view::stored_state*>>
      all;
  for (const auto& view : views)
    for (const auto& [key, stored] : view.of_type(type))
      all.emplace(key, std::pair{&view, &stored});
  std::uint64_t left = flags.limit;
  std::uint64_t shown_count = 0;
  for (const auto& [key, place] : all) {
    if (left-- == 0)
      break;
    const auto& [view, stored] = place;
    const auto state = view->json(type, key, *stored);
    if (!state) {
      complain(state.error());
      status = exit_status::partly;
      continue;
    }
    ++shown_count;
    if (!flags.json) {
      print(std::string{key} + "  " + *state + "\n");
      continue;
    }
    dynamic_value shown;
    shown.set("type", flags.type);
    set_text(shown, "key", key);
    shown.set("shard", std::uint64_t{view->shard().value()});
    shown.set("version", stored->sequence);
    set_value(shown, *state);
    shown.rename("value", "state");
    print(text_of(shown) + "\n");
  }
  if (!flags.json)
    complain(with_commas(shown_count) + " of " + with_commas(all.size())
             + " entities of type " + flags.type);
  return status == exit_status::partly ? status : exit_status::done;
}

// -- show --------------------------------------------------------------------

dynamic_value held_json(const changelog_view::held_message& held) {
  dynamic_value shown;
  shown.set("number", held.number);
  shown.set("topic", held.topic);
  shown.set("offset", held.offset.value());
  shown.set("timestamp", held.time.value());
  shown.set("attempts", std::uint64_t{held.attempts});
  shown.set("due", held.due.value());
  set_text(shown, "lastError", held.last_error);
  shown.set("headers", headers_json(header_list{held.headers}));
  set_value(shown, held.value);
  return shown;
}

dynamic_value timer_json(const changelog_view::timer& timer) {
  dynamic_value shown;
  shown.set("name", timer.name);
  shown.set("due", timer.due.value());
  shown.set("message", timer.message);
  if (auto body = codec::parse_msgpack(timer.body))
    shown.set("body", *std::move(body));
  else
    shown.set("bodyBase64", base64(timer.body));
  return shown;
}

/// What `show` shows: as JSON with `--json`, else line by line.
struct entity_report {
  dynamic_value state;
  std::uint64_t version = 0;
  dynamic_value::array held;
  dynamic_value::array timers;
};

void print_report(const entity_flags& flags, const changelog_view& view,
                  const entity_report& report) {
  dynamic_value positions{dynamic_value::object{}};
  for (const auto& [topic, next] : view.positions())
    positions.set(topic, next.value());
  if (flags.json) {
    dynamic_value shown;
    shown.set("type", flags.type);
    set_text(shown, "key", flags.key);
    shown.set("shard", std::uint64_t{view.shard().value()});
    shown.set("version", report.version);
    shown.set("state", report.state);
    shown.set("held", report.held);
    shown.set("timers", report.timers);
    shown.set("positions", std::move(positions));
    print(text_of(shown) + "\n");
    return;
  }
  std::string text = flags.type + "/" + flags.key + "\n";
  text += "  shard      " + std::to_string(view.shard().value()) + "\n";
  text += "  version    " + std::to_string(report.version) + "\n";
  text += "  positions  " + text_of(positions) + "\n";
  const auto many = [&text](const char* what,
                            const dynamic_value::array& list) {
    text += what + (list.empty() ? "none" : std::to_string(list.size())) + "\n";
    for (const auto& each : list)
      text += "    " + text_of(each) + "\n";
  };
  many("  held       ", report.held);
  many("  timers     ", report.timers);
  text += "  state\n";
  if (const auto* const members = report.state.as_object())
    for (const auto& member : *members)
      text += "    " + member.name + ": " + text_of(member.value) + "\n";
  else
    text += "    none yet\n";
  print(text);
}

exit_status show(const entity_flags& flags) {
  exit_status status{};
  const auto named = open(flags, status);
  if (!named)
    return status;
  const auto& [log, type] = *named;
  const auto view = changelog_view::read(
      *log.reader, log.plan,
      partition_of(flags.key, log.plan->options.shard_count));
  if (!view) {
    complain(view.error());
    return exit_status::cannot_run;
  }
  entity_report report;
  for (const auto& [number, held] : view->held())
    if (held.entity == flags.type && held.key == flags.key)
      report.held.push_back(held_json(held));
  for (const auto& [identity, timer] : view->timers())
    if (timer.entity == flags.type && timer.key == flags.key)
      report.timers.push_back(timer_json(timer));
  const auto* const stored = view->find(type, flags.key);
  if (stored == nullptr && report.held.empty() && report.timers.empty()) {
    std::string some;
    int left = 5;
    for (const auto& [key, state] : view->of_type(type)) {
      if (left-- == 0)
        break;
      some.append(some.empty() ? "" : ", ").append(key);
    }
    complain("there is no " + flags.type + " with the key \"" + flags.key
             + "\"; "
             + (some.empty() ? "its shard has none"
                             : "its shard has, among others, " + some)
             + ". `freehold entity list " + flags.type + "` shows all");
    return exit_status::partly;
  }
  if (stored != nullptr) {
    const auto state = view->json(type, flags.key, *stored);
    if (!state) {
      complain(state.error());
      return exit_status::failed;
    }
    report.version = stored->sequence;
    if (auto parsed = codec::parse_json(*state))
      report.state = *std::move(parsed);
  }
  print_report(flags, *view, report);
  return exit_status::done;
}

} // namespace

void add_entity(CLI::App& app, chosen_command& chosen) {
  auto* const entity =
      app.add_subcommand("entity", "Look at the states of entities");
  entity->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, bool one,
                       const char* examples,
                       exit_status (*action)(const entity_flags&)) {
    auto* const command = entity->add_subcommand(name, what);
    const auto flags = std::make_shared<entity_flags>();
    command
        ->add_option("TYPE", flags->type,
                     "The entity type, such as property or neighborhood")
        ->required()
        ->type_name("");
    if (one)
      command->add_option("KEY", flags->key, "The entity's key")
          ->required()
          ->type_name("");
    else
      command->add_option("--limit", flags->limit, "At most that many entities")
          ->type_name("N");
    command->add_flag("--json", flags->json,
                      one ? "As one JSON object" : "One JSON object an entity");
    flags->configuration.add_to(*command);
    command->footer(examples + std::string{exit_status_help});
    command->callback([flags, action, &chosen] {
      chosen = [flags, action] { return action(*flags); };
    });
  };
  add("list", "Print the entities of a type", false, list_examples, list);
  add("show", "Print one entity and what waits for it", true, show_examples,
      show);
  add_entity_history(*entity, chosen);
}

} // namespace freehold::node::commands
