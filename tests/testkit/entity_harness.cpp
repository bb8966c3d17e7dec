#include "tests/testkit/entity_harness.hpp"

#include <algorithm>
#include <utility>

namespace freehold::testkit {

std::string_view to_string(handled outcome) noexcept {
  switch (outcome) {
  case handled::applied:
    return "applied";
  case handled::rejected:
    return "rejected";
  case handled::failed_transient:
    return "failed for now";
  case handled::failed_permanent:
    return "failed for good";
  case handled::undecodable:
    return "undecodable";
  }
  return "unnamed";
}

state_box::state_box(const entity_type& type)
    : type_(&type),
      memory_(::operator new (type.state_size(),
                              std::align_val_t{type.state_alignment()}),
              free_state{&type, false}) {
  type.construct(memory_.get());
  memory_.get_deleter().constructed = true;
}

std::string state_box::stored() const {
  std::string bytes;
  type_->encode(get(), bytes);
  return bytes;
}

entity_harness::entity_harness(const entity_type& type, std::string key)
    : type_(type),
      key_(std::move(key)),
      schema_(type.schema()),
      restored_(type),
      live_(type),
      folded_(type) {
  message_ = "the first state";
  restored_ = read_back(schema_, live_.stored());
}

void entity_harness::fail(const std::string& what) const {
  throw entity_kit_failure{std::string{type_.traits().type} + "/" + key_ + ", "
                           + message_ + ": " + what};
}

state_box entity_harness::read_back(std::string_view schema,
                                    std::string_view stored) const {
  const auto decoder = type_.decoder(schema);
  if (!decoder)
    fail("the stored state cannot be read: "
         + freehold::to_string(decoder.error()));
  state_box state{type_};
  if (const auto read = (*decoder)->read(stored, state.get()); !read)
    fail("the stored state cannot be read: "
         + freehold::to_string(read.error()));
  return state;
}

void entity_harness::restore(std::string_view schema, std::string_view stored) {
  message_ = "a given state";
  // Upcast once; from here on everything has the present form.
  const std::string present = read_back(schema, stored).stored();
  restored_ = read_back(schema_, present);
  live_ = read_back(schema_, present);
  folded_ = read_back(schema_, present);
  sequence_ = 0;
  outcome_ = {};
  effects_ = {};
}

void entity_harness::replay(std::string_view event, std::uint32_t version,
                            std::string_view json) {
  message_ = std::string{event};
  for (const state_box* each : {&restored_, &live_, &folded_})
    if (const auto done = type_.replay(each->get(), event, version, json);
        !done)
      fail("the event cannot be replayed: "
           + freehold::to_string(done.error()));
  restored_ = read_back(schema_, live_.stored());
  ++sequence_;
}

std::string entity_harness::run::to_text() const {
  std::string text{to_string(outcome.outcome)};
  if (!outcome.why.empty())
    text.append(": ").append(outcome.why);
  return text.append(", effects\n")
      .append(effects.to_text())
      .append("\n  state ")
      .append(json);
}

entity_harness::run entity_harness::handle_on(const state_box& state,
                                              const incoming& message) {
  recording_sink sink{time_, message_number_};
  run done;
  done.outcome = type_.handle(state.get(), sequence_, message, sink);
  if (done.outcome.outcome == handled::applied)
    done.effects = std::move(sink.effects());
  done.stored = state.stored();
  done.json = state.json();
  return done;
}

void entity_harness::must_equal(const run& first, const run& other,
                                const char* rule) const {
  if (first.outcome.outcome == other.outcome.outcome
      && first.outcome.why == other.outcome.why
      && first.outcome.changed == other.outcome.changed
      && first.outcome.events == other.outcome.events
      && first.effects == other.effects && first.stored == other.stored)
    return;
  fail(std::string{rule} + "\nfirst " + first.to_text() + "\nthen "
       + other.to_text());
}

void entity_harness::check_journal(const run& done) {
  const entity_traits& traits = type_.traits();
  if (traits.journal != journal_mode::events)
    return;
  std::uint64_t last = sequence_;
  for (const auto& each : done.effects.records) {
    if (each.topic != traits.journal_topic)
      continue;
    if (each.sequence != ++last)
      fail("the journal's events are not numbered one by one: "
           + std::to_string(each.sequence) + " stands where "
           + std::to_string(last) + " belongs");
    if (const auto replayed =
            type_.replay(folded_.get(), each.type, each.version, each.value);
        !replayed)
      fail("an emitted event cannot be replayed: "
           + freehold::to_string(replayed.error()));
  }
  if (last - sequence_ != done.outcome.events)
    fail("the journal did not get every event");
  if (folded_.stored() != done.stored)
    fail("the state is not the fold of its events; change it in `apply` "
         "only\nfold "
         + folded_.json() + "\nstate " + done.json);
}

void entity_harness::check_application(const recorded_effects& effects) const {
  if (!application_)
    return;
  const auto type_called = [&](std::string_view name) -> const entity_type* {
    for (const auto& each : application_->entities())
      if (each->traits().type == name)
        return each.get();
    return nullptr;
  };
  const std::string app = "the application " + application_->name();
  if (type_called(type_.traits().type) == nullptr)
    fail(app + " does not have this entity type");
  for (const auto& each : effects.records) {
    const auto& outputs = application_->outputs();
    if (std::none_of(outputs.begin(), outputs.end(), [&](const auto& known) {
          return known.topic == each.topic;
        }))
      fail("publishes to the topic \"" + each.topic + "\", which " + app
           + " does not declare as an output");
    if (each.sequence == 0 && application_->is_journal(each.topic))
      fail("publishes to the journal " + each.topic + "; emit an event");
  }
  const auto must_take = [&](const std::string& type,
                             const std::string& message) {
    const entity_type* const found = type_called(type);
    if (found == nullptr)
      fail("tells an entity of type \"" + type + "\", which " + app
           + " does not have");
    if (!found->takes(message))
      fail("tells " + type + " a " + message + ", which it does not take");
  };
  for (const auto& each : effects.tells)
    must_take(each.type, each.message);
  for (const auto& each : effects.timers)
    if (!each.message.empty()) // it was not taken back
      must_take(std::string{type_.traits().type}, each.message);
}

void entity_harness::handle(std::string_view type, std::uint32_t version,
                            const std::vector<message_body>& forms) {
  message_ = type.empty() ? "a message without a type" : std::string{type};
  ++message_number_;
  incoming message{.key = key_,
                   .type = type,
                   .version = version,
                   .format = forms.front().format,
                   .body = forms.front().bytes,
                   .event_id = event_id_,
                   .time = time_,
                   .origin = {"kit", partition_index{0}, message_number_},
                   .attempt = attempt_,
                   .source_watermark = source_watermark_,
                   .watermark = watermark_};
  const std::string before = restored_.stored();

  const run first = handle_on(read_back(schema_, before), message);
  must_equal(first, handle_on(read_back(schema_, before), message),
             "handled twice on the same state, the message does not do the "
             "same; take time and chance from the context");
  for (std::size_t i = 1; i < forms.size(); ++i) {
    message.format = forms[i].format;
    message.body = forms[i].bytes;
    must_equal(first, handle_on(read_back(schema_, before), message),
               "as MessagePack, the message does not do what it does as JSON");
  }
  must_equal(first, handle_on(live_, message),
             "on the state in memory, the message does not do what it does on "
             "the stored one; is a member of the state not described?");

  check_application(first.effects);
  const bool kept =
      first.outcome.outcome != handled::applied || !first.outcome.changed;
  if (kept && first.stored != before)
    fail("the message was " + std::string{to_string(first.outcome.outcome)}
         + " without a change, but the state is another\nbefore "
         + restored_.json() + "\nafter " + first.json);
  if (first.outcome.outcome == handled::applied) {
    check_journal(first);
    sequence_ += first.outcome.events;
  }
  restored_ = read_back(schema_, first.stored);
  if (restored_.stored() != first.stored)
    fail("the state does not survive its stored form\nbefore " + first.json
         + "\nafter " + restored_.json());
  outcome_ = first.outcome;
  effects_ = first.effects;
}

} // namespace freehold::testkit
