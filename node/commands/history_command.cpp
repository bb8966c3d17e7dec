#include "actors/messages/utc_time.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/opened_log.hpp"
#include "node/journal.hpp"
#include "node/record_json.hpp"
#include "node/topic_walk.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/engine/any_state.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace freehold::node::commands {

namespace {

using codec::dynamic_value;

constexpr const char* examples = R"(
Reads the entity's journal: every event with its number, when it happened, who
said so (metadata) and which message caused it; then the state that they make.
With --at, only what had happened by then, and the state that it makes, in the
order in which it arrived. A date alone means its beginning (UTC). Works beside
a running node and without one, for entity types with a journal.

Examples:
  freehold entity history property 7129300520 --data data/demo
  freehold entity history property 7129300520 --at 2014-10-13 --data data/demo
  freehold entity history property 7129300520 --json --data data/demo

)";

struct history_flags {
  configuration_flags configuration;
  std::string type;
  std::string key;
  std::string at;
  bool json = false;
};

/// A UTC time or a date; none for any other text.
std::optional<timestamp> moment_of(const std::string& text) {
  if (const auto time = market::utc_time::parse(text))
    return time->value();
  if (const auto day = market::utc_time::parse(text + "T00:00:00Z"))
    return day->value();
  return std::nullopt;
}

std::string text_of(const dynamic_value& value) {
  std::string text;
  codec::to_json(text, value);
  return text;
}

/// Who said it: the event's `metadata.userId` and `metadata.source`, where
/// they are not empty.
dynamic_value who_of(const dynamic_value& event) {
  dynamic_value who{dynamic_value::object{}};
  const dynamic_value* const metadata = event.find("metadata");
  for (const char* const name : {"userId", "source"}) {
    const dynamic_value* const member =
        metadata == nullptr ? nullptr : metadata->find(name);
    const std::string* const text =
        member == nullptr ? nullptr : member->as_string();
    if (text != nullptr && !text->empty())
      who.set(name, *text);
  }
  return who;
}

void print_event(const history_flags& flags, const journal_event& event) {
  auto value = codec::parse_json(event.value);
  const dynamic_value content =
      value ? *std::move(value) : dynamic_value{std::string{event.value}};
  const dynamic_value who = who_of(content);
  if (flags.json) {
    dynamic_value shown;
    shown.set("sequence", event.sequence);
    shown.set("type", event.type);
    shown.set("time", time_text(event.time));
    shown.set("who", who);
    shown.set("cause", cause_text(event.id));
    shown.set("id", event.id);
    shown.set("event", content);
    print(text_of(shown) + "\n");
    return;
  }
  const dynamic_value* const changes = content.find("changes");
  print(std::to_string(event.sequence) + "  " + time_text(event.time) + "  "
        + std::string{event.type} + "  "
        + text_of(changes == nullptr ? content : *changes) + "\n     by "
        + text_of(who) + ", caused by " + cause_text(event.id) + "\n");
}

/// An entity's journal: what had happened by a moment, printed and folded in
/// the order of the journal, which is that of arrival.
class journal_reader {
public:
  journal_reader(const history_flags& flags, const entity_type& type,
                 std::optional<timestamp> until)
      : flags_(flags), type_(type), until_(until), state_(type) {}

  result<void> take(const record& from) {
    if (from.key != flags_.key)
      return {};
    const auto event = read_event(from);
    if (!event)
      return event.error();
    if (event->sequence != last_ + 1)
      return error{errc::corrupt,
                   "event " + std::to_string(last_ + 1)
                       + " is missing; a retention has cut the journal"};
    last_ = event->sequence;
    if (until_ && event->time > *until_)
      return {};
    ++folded_;
    if (auto done = type_.replay(state_.get(), event->type, event->version,
                                 event->value);
        !done)
      return done;
    print_event(flags_, *event);
    return {};
  }

  [[nodiscard]] bool has_nothing() const { return last_ == 0; }

  void print_state() const {
    const std::string as_of = until_ ? time_text(*until_) : "now";
    const std::string state = type_.to_json(state_.get());
    if (!flags_.json) {
      print("State as of " + as_of + ", made by " + std::to_string(folded_)
            + " of " + std::to_string(last_) + " events\n  " + state + "\n");
      return;
    }
    dynamic_value shown;
    shown.set("asOf", as_of);
    shown.set("events", folded_);
    shown.set("eventsInAll", last_);
    if (auto parsed = codec::parse_json(state))
      shown.set("state", *std::move(parsed));
    print(text_of(shown) + "\n");
  }

private:
  const history_flags& flags_;
  const entity_type& type_;
  const std::optional<timestamp> until_;
  const engine::any_state state_;
  /// Of all events, also of those that happened later.
  std::uint64_t last_ = 0;
  std::uint64_t folded_ = 0;
};

exit_status history(const history_flags& flags) {
  std::optional<timestamp> until;
  if (!flags.at.empty()) {
    until = moment_of(flags.at);
    if (!until) {
      complain("--at: \"" + flags.at
               + "\" is neither a date such as 2014-05-02 nor a UTC time such "
                 "as 2014-05-02T13:45:00Z");
      return exit_status::cannot_run;
    }
  }
  const auto log = open_log(flags.configuration);
  if (!log)
    return exit_status::cannot_run;
  const auto index = find_type(*log->plan, flags.type);
  if (!index)
    return exit_status::partly;
  const entity_type& type = *log->plan->types[*index];
  if (type.traits().journal != journal_mode::events) {
    complain("the entity type " + flags.type
             + " has no journal: it keeps its state only; `freehold entity "
               "show` has that");
    return exit_status::partly;
  }
  const auto topics = log->reader->topics();
  if (!topics) {
    complain(topics.error());
    return exit_status::failed;
  }
  const std::string topic{type.traits().journal_topic};
  const auto place = log->plan->topic(topic);
  const auto partition = partition_of(
      flags.key, log->plan->layout.topics[place->value()].partition_count);
  journal_reader journal{flags, type, until};
  const auto walked = walk_partition(
      *log->reader, *topics, topic, partition.value(),
      [&journal](const record& each) { return journal.take(each); });
  if (!walked) {
    complain(walked.error());
    return exit_status::failed;
  }
  if (journal.has_nothing()) {
    complain("the journal " + topic + " has nothing of " + flags.type + "/"
             + flags.key);
    return exit_status::partly;
  }
  journal.print_state();
  return exit_status::done;
}

} // namespace

void add_entity_history(CLI::App& entity, chosen_command& chosen) {
  auto* const command = entity.add_subcommand(
      "history", "Print an entity's events and its state as of a moment");
  const auto flags = std::make_shared<history_flags>();
  command->add_option("TYPE", flags->type, "An entity type with a journal")
      ->required()
      ->type_name("");
  command->add_option("KEY", flags->key, "The entity's key")
      ->required()
      ->type_name("");
  command
      ->add_option("--at", flags->at,
                   "Only what had happened by then, a date or a UTC time")
      ->type_name("TIME");
  command->add_flag("--json", flags->json,
                    "One JSON object an event, and one with the state");
  flags->configuration.add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return history(*flags); }; });
}

} // namespace freehold::node::commands
