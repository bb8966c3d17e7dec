#pragma once

#include "runtime/engine/engine_options.hpp"
#include "runtime/entity/application.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

/// Small entities for the engine's tests.
namespace freehold::test_entities {

/// Adds `amount`; fails as told.
struct add {
  static constexpr std::string_view type = "Add";
  std::int64_t amount = 0;
  /// Attempts that fail before one succeeds; -1: all.
  std::optional<std::int32_t> failures{};
  std::optional<bool> permanent{};
  /// Also tell the total to the ledger of that key.
  std::optional<std::string> tell{};
  /// Also add `amount` once more, that many milliseconds later.
  std::optional<std::int64_t> again_after{};
  /// Publish that many bytes.
  std::optional<std::uint32_t> publish_bytes{};
};
BOOST_DESCRIBE_STRUCT(add, (),
                      (amount, failures, permanent, tell, again_after,
                       publish_bytes))

struct added {
  static constexpr std::string_view type = "Added";
  std::int64_t amount = 0;
  std::string id;
};
BOOST_DESCRIBE_STRUCT(added, (), (amount, id))

struct total_answer {
  static constexpr std::string_view type = "Total";
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(total_answer, (), (total))

/// Keeps a total; every `add` is an event in the journal `counter-events`.
struct counter {
  struct state {
    static constexpr std::string_view type = "counter-state";
    std::int64_t total = 0;
    std::int64_t adds = 0;
  };
  static constexpr entity_traits traits{.type = "counter",
                                        .journal = journal_mode::events,
                                        .journal_topic = "counter-events"};
  using messages = message_list<add>;
  using events = event_list<added>;

  static void handle(const state& s, const add& m, context<counter>& ctx) {
    ctx.emit(added{m.amount, ctx.next_event_id()});
    if (m.tell)
      ctx.tell("ledger", *m.tell, add{m.amount, {}, {}, {}, {}, {}});
    if (m.again_after)
      ctx.schedule("again", timestamp{ctx.now().value() + *m.again_after},
                   add{m.amount, {}, {}, {}, {}, {}});
    if (m.publish_bytes)
      ctx.publish_raw("outputs", ctx.key(), std::string(*m.publish_bytes, 'x'));
    if (m.permanent)
      throw permanent_failure("told to fail for good");
    if (m.failures
        && (*m.failures < 0
            || ctx.attempt() <= static_cast<std::uint32_t>(*m.failures)))
      throw transient_failure("told to fail at attempt "
                              + std::to_string(ctx.attempt()));
    if (m.amount < 0)
      ctx.reject("a negative amount");
    ctx.reply(total_answer{s.total + m.amount});
  }
  static void apply(state& s, const added& e) noexcept {
    s.total += e.amount;
    ++s.adds;
  }
};
BOOST_DESCRIBE_STRUCT(counter::state, (), (total, adds))

/// Is told amounts; changes its state in place.
struct ledger {
  struct state {
    static constexpr std::string_view type = "ledger-state";
    std::int64_t total = 0;
    std::int64_t entries = 0;
  };
  static constexpr entity_traits traits{.type = "ledger"};
  using messages = message_list<add>;

  static void handle(state& s, const add& m, context<ledger>&) {
    s.total += m.amount;
    ++s.entries;
  }
};
BOOST_DESCRIBE_STRUCT(ledger::state, (), (total, entries))

inline std::string json(const add& message) {
  std::string text;
  codec::to_json(text, message);
  return text;
}

inline std::string counter_state(std::int64_t total, std::int64_t adds) {
  return R"({"total":)" + std::to_string(total) + R"(,"adds":)"
         + std::to_string(adds) + "}";
}

/// With direct delivery on and off.
inline engine::engine_options one_shard() {
  engine::engine_options options;
  options.direct_delivery = GENERATE(true, false);
  options.shard_count = 1;
  options.worker_count = 1;
  return options;
}

inline application counting_application() {
  application app{"counting"};
  app.entity<counter>().entity<ledger>();
  app.source({.topic = "adds", .entity = "counter", .default_message = "Add"});
  app.output({.topic = "outputs"});
  return app;
}

} // namespace freehold::test_entities
