#pragma once

#include "runtime/entity/application.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>

/// The application of the engine's campaign: accounts that take commands, and
/// books that accounts tell of them. Every effect names the command that
/// caused it, so that each can be traced to one input record.
namespace freehold::simulation {

struct act {
  static constexpr std::string_view type = "Act";
  std::string id;
  std::int64_t amount = 0;
  /// Attempts that fail before one succeeds; -1: all.
  std::optional<std::int32_t> failures{};
  std::optional<bool> permanent{};
  /// Note it in the book of that key; the note fails that often, -1: always.
  std::optional<std::string> book{};
  std::optional<std::int32_t> note_failures{};
  /// Ring that many milliseconds later, under a name of its own or under one
  /// that the entity's timers share.
  std::optional<std::int64_t> ring_after{};
  std::optional<bool> shared_name{};
  std::optional<std::int32_t> ring_failures{};
  /// Take the timer of the shared name back.
  std::optional<bool> cancel{};
  std::optional<std::uint32_t> publish_bytes{};
  /// Bytes that the state grows by.
  std::optional<std::uint32_t> grow{};
};
BOOST_DESCRIBE_STRUCT(act, (),
                      (id, amount, failures, permanent, book, note_failures,
                       ring_after, shared_name, ring_failures, cancel,
                       publish_bytes, grow))

struct ring {
  static constexpr std::string_view type = "Ring";
  std::string cause;
  std::int64_t due = 0;
  bool shared = false;
  std::int32_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(ring, (), (cause, due, shared, failures))

struct note {
  static constexpr std::string_view type = "Note";
  std::string cause;
  std::int64_t amount = 0;
  std::int32_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(note, (), (cause, amount, failures))

struct acted {
  static constexpr std::string_view type = "Acted";
  std::string id;
  std::int64_t amount = 0;
  std::uint32_t grow = 0;
};
BOOST_DESCRIBE_STRUCT(acted, (), (id, amount, grow))

struct rang {
  static constexpr std::string_view type = "Rang";
  std::string cause;
  std::int64_t due = 0;
  std::int64_t at = 0;
  bool shared = false;
};
BOOST_DESCRIBE_STRUCT(rang, (), (cause, due, at, shared))

struct line {
  static constexpr std::string_view type = "Line";
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(line, (), (cause))

struct acted_answer {
  static constexpr std::string_view type = "ActedAnswer";
  std::int64_t total = 0;
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(acted_answer, (), (total, cause))

inline void fail_as_told(std::int32_t failures, std::uint32_t attempt) {
  if (failures < 0 || attempt <= static_cast<std::uint32_t>(failures))
    throw transient_failure("fails as told");
}

/// Folds commands in their order: a digest shows a wrong one.
struct account {
  struct state {
    static constexpr std::string_view type = "account-state";
    std::int64_t total = 0;
    std::int64_t acts = 0;
    std::int64_t rings = 0;
    std::uint32_t digest = 0;
    std::string pad;
  };
  static constexpr entity_traits traits{.type = "account",
                                        .journal = journal_mode::events,
                                        .journal_topic = "account-events"};
  using messages = message_list<act, ring>;
  using events = event_list<acted, rang>;

  static void handle(const state& s, const act& m, context<account>& ctx) {
    const std::string cause = ctx.next_event_id();
    ctx.emit(acted{m.id, m.amount, m.grow.value_or(0)});
    if (m.book)
      ctx.tell("book", *m.book,
               note{cause, m.amount, m.note_failures.value_or(0)});
    if (m.ring_after) {
      const bool shared = m.shared_name.value_or(false);
      const std::int64_t due = ctx.now().value() + *m.ring_after;
      ctx.schedule(shared ? "shared" : cause, timestamp{due},
                   ring{cause, due, shared, m.ring_failures.value_or(0)});
    }
    if (m.cancel)
      ctx.cancel("shared");
    if (m.publish_bytes) {
      std::string text = cause + " ";
      text.resize(text.size() + *m.publish_bytes, 'x');
      ctx.publish_raw("outputs", ctx.key(), text);
    }
    if (m.permanent)
      throw permanent_failure("fails for good as told");
    fail_as_told(m.failures.value_or(0), ctx.attempt());
    if (m.amount < 0)
      ctx.reject("a negative amount");
    ctx.reply(acted_answer{s.total + m.amount, cause});
  }
  static void handle(const state&, const ring& m, context<account>& ctx) {
    ctx.emit(rang{m.cause, m.due, ctx.now().value(), m.shared});
    fail_as_told(m.failures, ctx.attempt());
  }
  static void apply(state& s, const acted& e) noexcept {
    s.total += e.amount;
    ++s.acts;
    for (const char each : e.id)
      s.digest = s.digest * 31 + static_cast<unsigned char>(each);
    s.pad.append(e.grow, 'p');
  }
  static void apply(state& s, const rang& e) noexcept {
    ++s.rings;
    for (const char each : e.cause)
      s.digest = s.digest * 37 + static_cast<unsigned char>(each);
  }
};
BOOST_DESCRIBE_STRUCT(account::state, (), (total, acts, rings, digest, pad))

/// Changes its state in place.
struct book {
  struct state {
    static constexpr std::string_view type = "book-state";
    std::int64_t total = 0;
    std::int64_t entries = 0;
  };
  static constexpr entity_traits traits{.type = "book"};
  using messages = message_list<note>;

  static void handle(state& s, const note& m, context<book>& ctx) {
    s.total += m.amount;
    ++s.entries;
    ctx.publish("book-lines", line{m.cause});
    fail_as_told(m.failures, ctx.attempt());
  }
};
BOOST_DESCRIBE_STRUCT(book::state, (), (total, entries))

inline application campaign_application() {
  application app{"campaign"};
  app.entity<account>().entity<book>();
  app.source({.topic = "acts", .entity = "account", .default_message = "Act"});
  app.source({.topic = "more-acts",
              .entity = "account",
              .default_message = "Act",
              .deduplicate = false});
  app.output({.topic = "outputs"}).output({.topic = "book-lines"});
  return app;
}

} // namespace freehold::simulation
