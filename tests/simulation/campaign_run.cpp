// One seed: an engine of random shape on the in-memory log, random commands,
// random faults, until everything has come to rest; then the reference model
// looks at the log, and the entities are asked, before and after a restart.

#include "tests/simulation/campaign_run.hpp"

#include "runtime/base/random.hpp"

#include <caf/send.hpp>

#include <set>
#include <utility>
#include <vector>

namespace freehold::simulation {

namespace {

using namespace std::chrono_literals;
using bridges::log::planned_outcome;

constexpr std::uint64_t key_count = 6;
constexpr std::uint64_t book_count = 3;

/// Steps at one moment of the clock; more are an endless loop.
constexpr int steps_max = 200'000;

struct shape {
  engine::engine_options options;
  std::uint32_t gap = 0;
  testkit::engine_world::execution mode{};
  repetition repeated = repetition::never;
};

template <class T>
T one_of(random_source& chance, std::initializer_list<T> choices) {
  return *(choices.begin() + chance.below(choices.size()));
}

shape make_shape(random_source& chance) {
  shape made;
  auto& options = made.options;
  options.shard_count = 1 + static_cast<std::uint32_t>(chance.below(5));
  options.worker_count = 1 + static_cast<std::uint32_t>(chance.below(3));
  options.direct_delivery = chance.below(2) == 0;
  options.unit_bytes_max =
      one_of<std::uint64_t>(chance, {1U << 10U, 16U << 10U, 4U << 20U});
  options.fetch_bytes = one_of<std::uint32_t>(chance, {256, 4096, 1U << 20U});
  options.changelog_slack_bytes =
      one_of<std::uint64_t>(chance, {0, 512, 4096, 64U << 20U});
  if (chance.below(4) == 0)
    options.dedupe_window = 3s;
  if (chance.below(4) == 0)
    options.dedupe_entries_max = 1 + chance.below(4);
  if (options.dedupe_window == 3s || options.dedupe_entries_max < 100)
    made.repeated = repetition::perhaps;
  options.held_bytes_max =
      one_of<std::uint64_t>(chance, {1U << 10U, 8U << 10U, 64U << 20U});
  options.timer_bytes_max =
      one_of<std::uint64_t>(chance, {1U << 10U, 64U << 20U});
  options.retry_first_delay = 200ms;
  options.restarts_max = 1'000'000;
  made.gap = static_cast<std::uint32_t>(chance.below(3));
  made.mode = chance.below(2) == 0 ? testkit::engine_world::execution::immediate
                                   : testkit::engine_world::execution::stepped;
  options.entity_bytes_max =
      one_of<std::uint64_t>(chance, {1, 2U << 10U, 1U << 30U});
  return made;
}

/// Checks every answer at the moment it is given.
class checked_world final : public testkit::engine_world {
public:
  checked_world(const shape& how, comparisons& counted)
      : engine_world(campaign_application(), how.options,
                     {.offsets_skipped_per_unit = how.gap}),
        repeated_(how.repeated),
        counted_(counted) {
    mode = how.mode;
  }

  void answered(const std::vector<engine::answer_notice>& notices) override {
    read_journal();
    for (const auto& each : notices) {
      ++counted_.answers;
      if (each.status == engine::answer_status::dead_lettered)
        continue; // it may come again, and end otherwise
      if (each.status == engine::answer_status::applied
          && each.entity == "account" && !each.body.empty()) {
        const auto body = codec::from_json<acted_answer>(each.body);
        if (!body || !journal_.contains(body->cause))
          fault = "an answer before the commit: " + each.event_id;
      }
      const auto [known, is_new] =
          answers_.try_emplace(each.event_id, each.status, each.body);
      if (!is_new && repeated_ == repetition::never
          && known->second != std::pair{each.status, each.body})
        fault = "another answer for the same event id: " + each.event_id + ": "
                + each.body + " after " + known->second.second;
    }
  }

  /// Thrown later: an exception inside would end a shard.
  std::string fault;

private:
  void read_journal() {
    const std::lock_guard lock{storage()->gate()};
    for (std::uint32_t t = 0; t < storage()->topic_count(); ++t) {
      const auto& spec = storage()->spec(t);
      if (spec.name != "account-events")
        continue;
      next_.resize(spec.partition_count, next_offset{0});
      for (std::uint32_t p = 0; p < spec.partition_count; ++p)
        while (next_[p] < storage()->bounds(t, p).end) {
          const auto batch = storage()->read(
              t, p, next_[p], 1U << 20U, {topic_index{t}, partition_index{p}});
          for (const record& each : (*batch)->records)
            for (const header h : each.headers)
              if (h.name == "ce_id")
                journal_.emplace(h.value);
          next_[p] = (*batch)->next;
        }
    }
  }

  const repetition repeated_;
  comparisons& counted_;
  std::vector<next_offset> next_;
  std::set<std::string> journal_;
  std::map<std::string, std::pair<engine::answer_status, std::string>> answers_;
};

class seed_run {
public:
  seed_run(std::uint64_t seed, marks& reached, comparisons& counted)
      : chance_(seed * 0x9E3779B97F4A7C15ULL + 1),
        shape_(make_shape(chance_)),
        world_(shape_, counted),
        reached_(reached),
        counted_(counted) {
    for (int i = 0; i < 50; ++i)
      (void)chance_.next();
  }

  void run() {
    require(world_.start().has_value(), "does not start");
    const std::uint64_t rounds = 20 + chance_.below(60);
    for (std::uint64_t i = 0; i < rounds; ++i)
      one_round();
    come_to_rest();
    const states expected = check();
    compare(expected, "at rest");
    note_marks();
    require(world_.restart().has_value(), "does not start again");
    settle();
    compare(expected, "after the last restart");
    check();
    note_marks();
  }

private:
  bool one_in(std::uint64_t n) { return chance_.below(n) == 0; }

  // -- commands --------------------------------------------------------------

  void send() {
    const std::string key = "k" + std::to_string(chance_.below(key_count));
    const bool second = one_in(4);
    const std::string topic = second ? "more-acts" : "acts";
    if (!second && one_in(5) && !repeatable_.empty()) {
      const auto& again = repeatable_[chance_.below(repeatable_.size())];
      world_.send(topic, again.first, again.second.first,
                  {{"ce_id", again.second.second}});
      ++reached_["a command was sent again"];
      return;
    }
    const std::string id = "c" + std::to_string(++last_id_);
    if (one_in(20)) {
      const std::string text =
          one_in(2) ? "{not json " + id : R"({"id":17,"amount":")" + id + "\"}";
      meant_.emplace(text, std::nullopt);
      world_.send(topic, key, text, {{"ce_id", id}});
      return;
    }
    const act made = make_command(id);
    std::string text;
    codec::to_json(text, made);
    meant_.emplace(text, made);
    if (!second && one_in(3)) {
      world_.send(topic, key, text); // names no id
      return;
    }
    world_.send(topic, key, text, {{"ce_id", id}});
    if (!second)
      repeatable_.push_back({key, {text, id}});
  }

  act make_command(const std::string& id) {
    act made;
    made.id = id;
    made.amount = static_cast<std::int64_t>(chance_.below(1000));
    if (one_in(12))
      made.amount = -made.amount - 1;
    if (one_in(8))
      made.failures = static_cast<std::int32_t>(1 + chance_.below(2));
    else if (one_in(25))
      made.failures = -1;
    if (one_in(25))
      made.permanent = true;
    if (one_in(3)) {
      made.book = "b" + std::to_string(chance_.below(book_count));
      if (one_in(8))
        made.note_failures = static_cast<std::int32_t>(1 + chance_.below(2));
      else if (one_in(25))
        made.note_failures = -1;
    }
    if (one_in(6)) {
      made.ring_after = static_cast<std::int64_t>(chance_.below(8000));
      if (one_in(2))
        made.shared_name = true;
      else if (one_in(5))
        made.ring_failures = one_in(3) ? -1 : 1;
    } else if (one_in(20)) {
      made.cancel = true;
    }
    if (one_in(5))
      made.publish_bytes = static_cast<std::uint32_t>(chance_.below(300));
    else if (one_in(400)) // too large for the log, and nothing else wrong
      made = act{.id = id, .amount = 1, .publish_bytes = 1'200'000};
    else if (one_in(400))
      made = act{.id = id, .amount = 1, .grow = 1'200'000};
    else if (one_in(10))
      made.grow = static_cast<std::uint32_t>(chance_.below(200));
    return made;
  }

  // -- what happens ----------------------------------------------------------

  void one_round() {
    for (std::uint64_t n = chance_.below(6); n > 0; --n)
      send();
    if (one_in(2))
      fault();
    switch (chance_.below(4)) {
    case 0:
      step_some(chance_.below(60));
      break;
    case 1:
      drive();
      break;
    case 2:
      pass(1 + chance_.below(5));
      break;
    default:
      pass(1 + chance_.below(30));
      break;
    }
    give_back(false);
  }

  void fault() {
    switch (chance_.below(9)) {
    case 0:
    case 1:
      world_.log().plan_commits(
          one_of(chance_,
                 {planned_outcome::failed, planned_outcome::unknown_applied,
                  planned_outcome::unknown_lost,
                  planned_outcome::unknown_late}),
          static_cast<std::uint32_t>(1 + chance_.below(2)));
      break;
    case 2:
      step_some(chance_.below(200));
      note_marks();
      if (world_.count().waiting_messages > 0)
        ++reached_["messages were held across a restart"];
      require(world_.restart().has_value(), "does not start again");
      gone_.clear();
      ++reached_["the process died"];
      break;
    case 3:
    case 4:
      take_away(true);
      break;
    case 5:
    case 6:
      take_away(false);
      break;
    case 7:
      if (one_in(3)) {
        world_.log().refuse_fetches({errc::unavailable, "as planned"});
        ++reached_["a fetch failed"];
      }
      break;
    default:
      end_an_entity();
    }
  }

  void take_away(bool lost) {
    const auto shard =
        static_cast<std::uint32_t>(chance_.below(shape_.options.shard_count));
    // A grant may still be queued: a coordinator would wait for it.
    if (!world_.log().is_owned(partition_index{shard})
        || !gone_.insert(shard).second)
      return;
    if (lost)
      world_.log().lose({partition_index{shard}});
    else
      world_.log().revoke({partition_index{shard}});
    ++reached_[lost ? "a shard was lost" : "a shard was revoked"];
  }

  /// Grants shards again that somebody else has let go.
  void give_back(bool all) {
    for (auto it = gone_.begin(); it != gone_.end();) {
      const partition_index shard{*it};
      if (!world_.log().is_owned(shard) && (all || one_in(3))) {
        world_.log().grant({shard});
        it = gone_.erase(it);
      } else {
        ++it;
      }
    }
  }

  void end_an_entity() {
    const auto end = [this](const caf::actor& entity) {
      if (!entity)
        return;
      caf::anon_send_exit(entity, caf::exit_reason::user_shutdown);
      ++reached_["an entity was ended from outside"];
    };
    if (one_in(3))
      world_.host().find_entity(
          "book", "b" + std::to_string(chance_.below(book_count)), end);
    else
      world_.host().find_entity(
          "account", "k" + std::to_string(chance_.below(key_count)), end);
  }

  // -- time ------------------------------------------------------------------

  bool step() {
    if (shape_.mode == testkit::engine_world::execution::stepped && one_in(3)
        && world_.log().step())
      return true;
    return world_.host().step()
           || (shape_.mode == testkit::engine_world::execution::stepped
               && world_.log().step());
  }

  void step_some(std::uint64_t count) {
    while (count-- > 0 && step()) {
    }
    look();
  }

  void drive() {
    int left = steps_max;
    while (step()) {
      if (left % 256 == 0)
        look();
      if (--left == 0) {
        const auto now = world_.count();
        throw violation("an endless loop at one moment: units "
                        + std::to_string(now.units) + ", undone "
                        + std::to_string(now.units_undone) + ", compacted "
                        + std::to_string(now.compacted_bytes) + ", waiting "
                        + std::to_string(now.waiting_messages) + ", timers "
                        + std::to_string(now.timers) + ", log queue "
                        + std::to_string(world_.log().queued_count()));
      }
    }
    look();
  }

  void pass(std::uint64_t ticks) {
    for (; ticks > 0; --ticks) {
      world_.time.advance(shape_.options.commit_interval);
      drive();
    }
  }

  void look() {
    require(world_.fault.empty(), world_.fault);
    if (const auto failure = world_.host().failure())
      throw violation("the engine failed: " + to_string(*failure));
  }

  void settle() {
    // What somebody else has let go is nobody's business but ours.
    for (int ticks = 0; !gone_.empty(); ++ticks) {
      require(ticks < 5000, "a revoked shard is never released");
      pass(1);
      give_back(true);
    }
    drive();
    auto idle = std::make_shared<bool>(false);
    world_.host().when_idle([idle] { *idle = true; });
    drive();
    for (int ticks = 0; !*idle; ++ticks) {
      if (ticks == 5000) {
        std::string owned;
        for (std::uint32_t i = 0; i < shape_.options.shard_count; ++i)
          owned += world_.log().is_owned(partition_index{i}) ? " yes" : " no";
        throw violation("never comes to rest; waiting "
                        + std::to_string(world_.count().waiting_messages)
                        + ", taken away " + std::to_string(gone_.size())
                        + ", owned" + owned);
      }
      pass(1);
    }
  }

  void come_to_rest() {
    settle();
    // A fault that is still planned may strike, and shards that come back
    // count no timers yet: look more than once.
    for (int i = 0; i < 20 && (i < 3 || world_.count().timers > 0); ++i) {
      pass(85);
      settle();
    }
    require(world_.count().timers == 0, "timers are left");
    require(world_.count().waiting_messages == 0, "messages are left");
  }

  // -- checks ----------------------------------------------------------------

  states check() {
    bridges::log::memory_log_reader reader{world_.storage()};
    const std::vector<command> sent;     // it knows what was meant
    const std::vector<told_answer> told; // and has checked those
    return check_log(cut{reader, world_.plan(), sent, told}, meant_,
                     shape_.repeated, counted_);
  }

  void compare(const states& expected, const std::string& when) {
    std::uint64_t seen = 0;
    for (const char* type : {"account", "book"})
      for (std::uint64_t i = 0; i < std::max(key_count, book_count); ++i) {
        const std::string key = (*type == 'a' ? "k" : "b") + std::to_string(i);
        const std::string address = std::string{type} + "/" + key;
        const auto found = expected.find(address);
        const std::string wanted =
            found == expected.end() ? std::string{} : found->second;
        const std::string state = world_.state_of(type, key);
        require(state == wanted, when + " " + address + " is " + state
                                     + " instead of " + wanted);
        seen += found == expected.end() ? 0 : 1;
        ++counted_.states;
      }
    require(seen == expected.size(), "an entity that was not asked");
    require(world_.count().entities == expected.size(),
            when + " there are " + std::to_string(world_.count().entities)
                + " entities instead of " + std::to_string(expected.size()));
  }

  void note_marks() {
    const auto now = world_.count();
    reached_["a unit was undone"] += now.units_undone;
    reached_["an undo was quick"] += now.quick_undos;
    reached_["a shard was restored as a whole"] += now.restores;
    reached_["messages were retried"] += now.retried;
    reached_["a duplicate was recognised"] += now.duplicates;
    reached_["a timer fired"] += now.timers_fired;
    reached_["an entity left memory"] += now.passivated;
    reached_["an entity came back into memory"] += now.brought_back;
    const std::lock_guard lock{world_.storage()->gate()};
    for (std::uint32_t t = 0; t < world_.storage()->topic_count(); ++t)
      if (world_.storage()->spec(t).role == ports::topic_role::changelog)
        for (std::uint32_t p = 0; p < shape_.options.shard_count; ++p)
          if (world_.storage()->bounds(t, p).begin > next_offset{0})
            ++reached_["compaction cut a changelog"];
  }

  random_source chance_;
  const shape shape_;
  checked_world world_;
  marks& reached_;
  comparisons& counted_;
  commands meant_;
  std::vector<std::pair<std::string, std::pair<std::string, std::string>>>
      repeatable_; // key, text, id
  std::uint64_t last_id_ = 0;
  std::set<std::uint32_t> gone_;
};

} // namespace

marks all_marks() {
  marks all;
  for (const char* mark :
       {"a command was sent again", "a duplicate was recognised",
        "a fetch failed", "a shard was lost", "a shard was restored as a whole",
        "a shard was revoked", "a timer fired", "a unit was undone",
        "an entity came back into memory", "an entity left memory",
        "an entity was ended from outside", "an undo was quick",
        "compaction cut a changelog", "messages were held across a restart",
        "messages were retried", "the process died"})
    all[mark] = 0;
  return all;
}

void run_seed(std::uint64_t seed, marks& reached, comparisons& counted) {
  seed_run{seed, reached, counted}.run();
}

} // namespace freehold::simulation
