// Timers against a model: a map by identity, searched for the earliest.
#include "runtime/base/hash.hpp"
#include "runtime/base/random.hpp"
#include "runtime/engine/timer_table.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace freehold;
using engine::timer;
using engine::timer_identity;
using engine::timer_ptr;
using engine::timer_table;

namespace {

constexpr auto by = freehold::timer_clock::processing_time;

timer_identity named(std::string_view name, std::string_view key = "key",
                     std::uint32_t type = 0) {
  return {type, key_hash(key), key, name};
}

timer_ptr make_timer(const timer_identity& which, std::uint64_t number,
                     std::int64_t due, std::size_t bytes = 10,
                     timer_clock clock = by) {
  const std::string body(bytes, 'b');
  auto made = timer::make(which, {.due = timestamp{due},
                                  .clock = clock,
                                  .message = "Remind",
                                  .version = 2,
                                  .body = body});
  made->number = number;
  return made;
}

std::vector<std::uint64_t> due_numbers(const timer_table& table,
                                       std::int64_t now, std::size_t count) {
  std::vector<std::uint64_t> numbers;
  table.visit_due(by, timestamp{now}, count, [&](const timer& each) {
    numbers.push_back(each.number);
    return true;
  });
  return numbers;
}

} // namespace

TEST_CASE("a timer has the texts it was made of", "[runtime][timer_table]") {
  const auto made = make_timer(named("name", "key", 3), 7, 100, 40);
  CHECK(made->type == 3);
  CHECK(made->key_hash == key_hash("key"));
  CHECK(made->key() == "key");
  CHECK(made->name() == "name");
  CHECK(made->message() == "Remind");
  CHECK(made->version == 2);
  CHECK(made->body() == std::string(40, 'b'));
  CHECK(made->bytes() > sizeof(timer) + 3 + 4 + 6 + 40);
  const auto empty = timer::make(named("", ""), {});
  CHECK(empty->key().empty());
  CHECK(empty->name().empty());
  CHECK(empty->message().empty());
  CHECK(empty->body().empty());
}

TEST_CASE("timers come due by time, ties by number", "[runtime][timer_table]") {
  timer_table table;
  timestamp due;
  CHECK_FALSE(table.first_due(due));
  CHECK(table.next_due(by, timestamp{1'000'000}) == nullptr);
  table.set(make_timer(named("late"), 1, 200));
  table.set(make_timer(named("second"), 3, 100));
  table.set(make_timer(named("first"), 2, 100));
  REQUIRE(table.first_due(due));
  CHECK(due == timestamp{100});
  CHECK(table.next_due(by, timestamp{99}) == nullptr);
  CHECK(due_numbers(table, 99, 9).empty());
  CHECK(due_numbers(table, 199, 9) == std::vector<std::uint64_t>{2, 3});
  CHECK(due_numbers(table, 200, 9) == std::vector<std::uint64_t>{2, 3, 1});
  CHECK(due_numbers(table, 200, 1) == std::vector<std::uint64_t>{2});
  for (const char* name : {"first", "second", "late"}) {
    REQUIRE(table.next_due(by, timestamp{200}) != nullptr);
    CHECK(table.next_due(by, timestamp{200})->name() == name);
    CHECK(table.take(named(name))->name() == name);
  }
  CHECK(table.next_due(by, timestamp{200}) == nullptr);
  CHECK(table.bytes() == 0);
}

TEST_CASE("timers set out of order come due in order",
          "[runtime][timer_table]") {
  // As a restore sets them: behind the one that was set last is the wrong
  // place for most of them, and that one may be gone.
  timer_table table;
  table.set(make_timer(named("c"), 6, 100));
  table.set(make_timer(named("a"), 2, 100));
  table.set(make_timer(named("e"), 9, 300));
  CHECK(table.take(named("e")) != nullptr);
  table.set(make_timer(named("b"), 4, 100));
  table.set(make_timer(named("d"), 1, 200));
  CHECK(due_numbers(table, 200, 9) == std::vector<std::uint64_t>{2, 4, 6, 1});
}

TEST_CASE("an identity is free again when its timer was taken",
          "[runtime][timer_table]") {
  timer_table table;
  table.set(make_timer(named("a"), 1, 100, 5000));
  REQUIRE(table.take(named("a")) != nullptr);
  const timer& kept = table.set(make_timer(named("a"), 2, 300, 10));
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
  table.set(make_timer(named("closing"), 1, 100, 10, event_time));
  table.set(make_timer(named("reminder"), 2, 50));
  timestamp due;
  REQUIRE(table.first_due(due));
  CHECK(due == timestamp{50});
  CHECK(table.next_due(event_time, timestamp{99}) == nullptr);
  CHECK(table.next_due(event_time, timestamp{100})->name() == "closing");
  CHECK(table.first_below(event_time, 1) == nullptr);
  CHECK(table.first_below(event_time, 2)->name() == "closing");
  CHECK(table.has(1));
  CHECK_FALSE(table.has(3));
  // One name, one timer, whatever it goes by.
  CHECK(table.take(named("closing")) != nullptr);
  table.set(make_timer(named("closing"), 3, 200));
  CHECK(table.size() == 2);
  CHECK(table.next_due(event_time, after_all_time) == nullptr);
}

TEST_CASE("type, key and name together are a timer's identity",
          "[runtime][timer_table]") {
  timer_table table;
  table.set(make_timer(named("a"), 1, 100));
  table.set(make_timer(named("a", "key", 1), 2, 100));
  table.set(make_timer(named("a", "other"), 3, 100));
  table.set(make_timer(named("b"), 4, 100));
  // Hashes may collide, and then the texts decide.
  timer_identity colliding = named("a", "third");
  colliding.key_hash = key_hash("key");
  CHECK(table.find(colliding) == nullptr);
  table.set(make_timer(colliding, 5, 100));
  CHECK(table.size() == 5);
  CHECK(table.find(named("a", "key", 1))->number == 2);
  CHECK(table.find(named("a", "other"))->number == 3);
  CHECK(table.find(named("a", "other", 1)) == nullptr);
  CHECK(table.find(colliding)->number == 5);
  CHECK(table.take(colliding)->number == 5);
  CHECK(table.find(named("a"))->number == 1);
}

TEST_CASE("a changed timer is named once, in the order of the changes",
          "[runtime][timer_table]") {
  timer_table table;
  timer& a = table.set(make_timer(named("a"), 1, 300));
  timer& b = table.set(make_timer(named("b"), 2, 200));
  timer& c = table.set(make_timer(named("c"), 3, 100));
  const auto changed = [&table] {
    std::vector<std::uint64_t> numbers;
    table.take_changed([&](timer& each) { numbers.push_back(each.number); });
    return numbers;
  };
  CHECK(changed().empty());
  table.note_changed(b);
  table.note_changed(c);
  table.note_changed(a);
  table.note_changed(b);
  CHECK(c.number == 3);
  CHECK(table.take(named("c")) != nullptr);
  CHECK(changed() == std::vector<std::uint64_t>{2, 1});
  CHECK(changed().empty());
  table.note_changed(a);
  CHECK(changed() == std::vector<std::uint64_t>{1});
  table.note_changed(a);
  table.clear();
  CHECK(changed().empty());
}

TEST_CASE("a timer table does what a map does under random sets and takes",
          "[runtime][timer_table]") {
  struct expected {
    std::uint64_t number = 0;
    std::int64_t due = 0;
    std::uint64_t bytes = 0;
  };
  using identity = std::tuple<std::uint32_t, std::string, std::string>;
  timer_table table;
  std::map<identity, expected> model;
  random_source random{2718};
  std::uint64_t number = 0;
  for (int i = 0; i < 30'000; ++i) {
    const identity which{static_cast<std::uint32_t>(random.below(2)),
                         "k" + std::to_string(random.below(5)),
                         "n" + std::to_string(random.below(5))};
    const timer_identity same =
        named(std::get<2>(which), std::get<1>(which), std::get<0>(which));
    const auto known = model.find(which);
    const auto taken = table.take(same);
    REQUIRE((taken != nullptr) == (known != model.end()));
    if (taken != nullptr) {
      REQUIRE(taken->number == known->second.number);
      model.erase(known);
    }
    if (random.below(2) == 0) {
      const auto due = static_cast<std::int64_t>(random.below(30));
      const timer& set = table.set(make_timer(
          same, ++number, due, static_cast<std::size_t>(random.below(1000))));
      model.emplace(which, expected{number, due, set.bytes()});
    }
    REQUIRE(table.size() == model.size());
    std::uint64_t bytes = 0;
    for (const auto& [_, each] : model)
      bytes += each.bytes;
    REQUIRE(table.bytes() == bytes);
    const auto first = std::min_element(
        model.begin(), model.end(), [](const auto& a, const auto& b) {
          return std::pair{a.second.due, a.second.number}
                 < std::pair{b.second.due, b.second.number};
        });
    timestamp due;
    REQUIRE(table.first_due(due) == !model.empty());
    if (!model.empty()) {
      REQUIRE(due == timestamp{first->second.due});
      REQUIRE(table.next_due(by, due)->number == first->second.number);
      REQUIRE(table.next_due(by, timestamp{due.value() - 1}) == nullptr);
    }
  }
  for (const auto& [which, _] : model)
    REQUIRE(table.take(named(std::get<2>(which), std::get<1>(which),
                             std::get<0>(which)))
            != nullptr);
  CHECK(table.bytes() == 0);
  CHECK(table.size() == 0);
}

TEST_CASE("a table of many timers is found in, shrinks and grows again",
          "[runtime][timer_table]") {
  timer_table table;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < 20'000; ++i)
      table.set(make_timer(named("a", std::to_string(i)), i + 1,
                           static_cast<std::int64_t>(i % 7)));
    for (std::uint64_t i = 0; i < 19'990; ++i)
      REQUIRE(table.take(named("a", std::to_string(i)))->number == i + 1);
    CHECK(table.size() == 10);
    for (std::uint64_t i = 19'990; i < 20'000; ++i)
      REQUIRE(table.take(named("a", std::to_string(i)))->number == i + 1);
    CHECK(table.bytes() == 0);
  }
}

TEST_CASE("a cleared timer table holds nothing", "[runtime][timer_table]") {
  timer_table table;
  table.set(make_timer(named("a"), 1, 100));
  table.clear();
  timestamp due;
  CHECK(table.size() == 0);
  CHECK(table.bytes() == 0);
  CHECK(table.find(named("a")) == nullptr);
  CHECK_FALSE(table.first_due(due));
  table.set(make_timer(named("a"), 2, 100));
  CHECK(table.size() == 1);
}
