// Timers against a model: a map by identity, searched for the earliest.
#include "runtime/base/random.hpp"
#include "runtime/engine/timer_table.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>

using namespace freehold;
using engine::timer;
using engine::timer_table;

namespace {

constexpr auto by = freehold::timer_clock::processing_time;

timer make_timer(const std::string& name, std::uint64_t number,
                 std::int64_t due, std::size_t bytes = 10) {
  timer made;
  made.key = "key";
  made.name = name;
  made.number = number;
  made.due = timestamp{due};
  made.body = std::string(bytes, 'b');
  return made;
}

timer_table::identity named(const std::string& name) {
  return {0, "key", name};
}

} // namespace

TEST_CASE("timers come due by time, ties by number", "[runtime][timer_table]") {
  timer_table table;
  timestamp due;
  CHECK_FALSE(table.first_due(due));
  CHECK(table.next_due(by, timestamp{1'000'000}) == nullptr);
  table.set(make_timer("late", 1, 200));
  table.set(make_timer("second", 3, 100));
  table.set(make_timer("first", 2, 100));
  REQUIRE(table.first_due(due));
  CHECK(due == timestamp{100});
  CHECK(table.next_due(by, timestamp{99}) == nullptr);
  for (const char* name : {"first", "second", "late"}) {
    REQUIRE(table.next_due(by, timestamp{200}) != nullptr);
    CHECK(table.next_due(by, timestamp{200})->name == name);
    CHECK(table.take(named(name))->name == name);
  }
  CHECK(table.next_due(by, timestamp{200}) == nullptr);
  CHECK(table.bytes() == 0);
}

TEST_CASE("a timer of the same identity is replaced",
          "[runtime][timer_table]") {
  timer_table table;
  table.set(make_timer("a", 1, 100, 5000));
  const timer& kept = table.set(make_timer("a", 2, 300, 10));
  CHECK(table.size() == 1);
  CHECK(table.bytes() == kept.bytes());
  CHECK(table.find(named("a")) == &kept);
  CHECK(table.next_due(by, timestamp{299}) == nullptr);
  CHECK(table.next_due(by, timestamp{300}) == &kept);
  CHECK(table.take(named("a"))->number == 2);
  CHECK(table.take(named("a")) == nullptr);
  CHECK(table.bytes() == 0);
}

TEST_CASE("timers by event time come due by themselves",
          "[runtime][timer_table]") {
  constexpr auto event_time = timer_clock::event_time;
  timer_table table;
  timer closing = make_timer("closing", 1, 100);
  closing.clock = event_time;
  table.set(closing);
  table.set(make_timer("reminder", 2, 50));
  timestamp due;
  REQUIRE(table.first_due(due));
  CHECK(due == timestamp{50});
  CHECK(table.next_due(event_time, timestamp{99}) == nullptr);
  CHECK(table.next_due(event_time, timestamp{100})->name == "closing");
  CHECK(table.first_below(event_time, 1) == nullptr);
  CHECK(table.first_below(event_time, 2)->name == "closing");
  CHECK(table.has(1));
  // One name, one timer, whatever it goes by.
  table.set(make_timer("closing", 3, 200));
  CHECK(table.size() == 2);
  CHECK(table.next_due(event_time, after_all_time) == nullptr);
}

TEST_CASE("type, key and name together are a timer's identity",
          "[runtime][timer_table]") {
  timer_table table;
  timer other_type = make_timer("a", 2, 100);
  other_type.type = 1;
  timer other_key = make_timer("a", 3, 100);
  other_key.key = "other";
  table.set(make_timer("a", 1, 100));
  table.set(other_type);
  table.set(other_key);
  table.set(make_timer("b", 4, 100));
  CHECK(table.size() == 4);
  CHECK(table.find({1, "key", "a"})->number == 2);
  CHECK(table.find({0, "other", "a"})->number == 3);
  CHECK(table.find({1, "other", "a"}) == nullptr);
}

TEST_CASE("a timer table does what a map does under random sets and takes",
          "[runtime][timer_table]") {
  timer_table table;
  std::map<timer_table::identity, timer> model;
  random_source random{2718};
  std::uint64_t number = 0;
  for (int i = 0; i < 30'000; ++i) {
    const timer_table::identity which{
        static_cast<std::uint32_t>(random.below(2)),
        "k" + std::to_string(random.below(5)),
        "n" + std::to_string(random.below(5))};
    const auto known = model.find(which);
    if (random.below(2) == 0) {
      timer made = make_timer(std::get<2>(which), ++number,
                              static_cast<std::int64_t>(random.below(30)),
                              random.below(1000));
      made.type = std::get<0>(which);
      made.key = std::get<1>(which);
      model.insert_or_assign(which, made);
      table.set(std::move(made));
    } else {
      const auto taken = table.take(which);
      REQUIRE((taken != nullptr) == (known != model.end()));
      if (taken != nullptr) {
        REQUIRE(taken->number == known->second.number);
        model.erase(known);
      }
    }
    REQUIRE(table.size() == model.size());
    std::uint64_t bytes = 0;
    for (const auto& [_, each] : model)
      bytes += each.bytes();
    REQUIRE(table.bytes() == bytes);
    const auto first = std::min_element(
        model.begin(), model.end(), [](const auto& a, const auto& b) {
          return std::pair{a.second.due, a.second.number}
                 < std::pair{b.second.due, b.second.number};
        });
    timestamp due;
    REQUIRE(table.first_due(due) == !model.empty());
    if (!model.empty()) {
      REQUIRE(due == first->second.due);
      REQUIRE(table.next_due(by, due)->number == first->second.number);
      REQUIRE(table.next_due(by, timestamp{due.value() - 1}) == nullptr);
    }
  }
  for (const auto& [which, _] : model)
    REQUIRE(table.take(which) != nullptr);
  CHECK(table.bytes() == 0);
  CHECK(table.size() == 0);
}

TEST_CASE("a cleared timer table holds nothing", "[runtime][timer_table]") {
  timer_table table;
  table.set(make_timer("a", 1, 100));
  table.clear();
  timestamp due;
  CHECK(table.size() == 0);
  CHECK(table.bytes() == 0);
  CHECK(table.find(named("a")) == nullptr);
  CHECK_FALSE(table.first_due(due));
}
