#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/application.hpp"
#include "runtime/entity/effects.hpp"
#include "runtime/entity/entity_type.hpp"
#include "tests/testkit/recorded_effects.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::testkit {

/// An entity or its test breaks a rule; the text says which and how. Any test
/// framework reports it as the case's failure.
class entity_kit_failure : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// The name of an outcome for people: `rejected`.
[[nodiscard]] std::string_view to_string(handled outcome) noexcept;

/// One state of any entity type, in memory of its own. Keeps a reference to
/// the type.
class state_box {
public:
  explicit state_box(const entity_type& type);

  [[nodiscard]] void* get() const noexcept { return memory_.get(); }
  [[nodiscard]] std::string stored() const;
  [[nodiscard]] std::string json() const { return type_->to_json(get()); }

private:
  struct free_state {
    const entity_type* type;
    bool constructed;
    void operator()(void* memory) const noexcept {
      if (constructed)
        type->destroy(memory);
      ::operator delete (memory, std::align_val_t{type->state_alignment()});
    }
  };

  const entity_type* type_;
  std::unique_ptr<void, free_state> memory_;
};

/// One form in which a message can arrive.
struct message_body {
  body_format format = body_format::json;
  std::string bytes;
};

/// What `entity_kit` does, without the entity's C++ type. Handles messages
/// through the same interface as the engine and checks on each of them:
///
/// 1. The state is what its stored form keeps: every message meets a state
///    that was read back, and has the same effects on one that never left
///    memory.
/// 2. Handling is a function of state, message and context: a second time, and
///    from every form of the message, the effects are the same.
/// 3. A message that is not applied leaves the state alone.
/// 4. A journaled entity's state is the fold of its events, which are numbered
///    without gaps.
///
/// Breaking one throws `entity_kit_failure`.
class entity_harness {
public:
  /// 2026-01-01T00:00:00Z
  static constexpr timestamp first_time{1'767'225'600'000};

  /// @pre `type` outlives the harness
  entity_harness(const entity_type& type, std::string key);

  /// What the next messages say about themselves; the clock shows `time` too.
  void time(timestamp now) { time_ = now; }
  void event_id(std::string id) { event_id_ = std::move(id); }
  void attempt(std::uint32_t number) { attempt_ = number; }
  void watermark(timestamp here) { watermark_ = here; }
  void source_watermark(timestamp there) { source_watermark_ = there; }

  /// Also checks that the application has what effects name: topics, entity
  /// types and their messages.
  void within(application app) { application_ = std::move(app); }

  /// Goes on from a state as some build stored it, with nothing asked yet.
  void restore(std::string_view schema, std::string_view stored);
  /// Applies an event that happened before.
  void replay(std::string_view event, std::uint32_t version,
              std::string_view json);
  /// Handles a message once per form, and once more, on copies of the state.
  void handle(std::string_view type, std::uint32_t version,
              const std::vector<message_body>& forms);

  /// The state as it was read back last.
  [[nodiscard]] const void* state() const { return restored_.get(); }
  [[nodiscard]] std::string state_json() const { return restored_.json(); }
  /// How many events the entity has.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  /// Of the last message; no effects unless it was applied.
  [[nodiscard]] const handling& outcome() const { return outcome_; }
  [[nodiscard]] const recorded_effects& effects() const { return effects_; }
  /// `UpdateProperty to property/7129300520`, the last message.
  [[nodiscard]] const std::string& message() const { return message_; }

private:
  struct run {
    handling outcome;
    recorded_effects effects;
    std::string stored;
    std::string json;

    [[nodiscard]] std::string to_text() const;
  };

  [[nodiscard]] state_box read_back(std::string_view schema,
                                    std::string_view stored) const;
  [[nodiscard]] run handle_on(const state_box& state, const incoming& message);
  void must_equal(const run& first, const run& other, const char* rule) const;
  void check_journal(const run& done);
  void check_application(const recorded_effects& effects) const;
  [[noreturn]] void fail(const std::string& what) const;

  const entity_type& type_;
  const std::string key_;
  const std::string schema_;
  timestamp time_ = first_time;
  std::string event_id_;
  std::uint32_t attempt_ = 1;
  timestamp watermark_ = before_all_time;
  timestamp source_watermark_ = before_all_time;
  std::optional<application> application_;

  /// Read back from its stored form after each change.
  state_box restored_;
  /// The same, never stored.
  state_box live_;
  /// The fold of the events; used for journaled entities.
  state_box folded_;
  std::uint64_t sequence_ = 0;
  std::int64_t message_number_ = 0;

  std::string message_;
  handling outcome_;
  recorded_effects effects_;
};

} // namespace freehold::testkit
