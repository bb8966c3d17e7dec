// Held messages against a model: a list per entity and the due time of each
// list's head.
#include "runtime/base/random.hpp"
#include "runtime/engine/waiting_room.hpp"
#include "tests/unit/runtime/engine/engine_parts.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace freehold;
using namespace freehold::engine_parts;
using engine::entity_cell;
using engine::held_message;
using engine::waiting_room;

namespace {

struct no_state {
  std::int64_t value = 0;
};

/// A few entities to hold messages for.
struct cells : one_worker {
  explicit cells(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = std::to_string(i);
      all.push_back(&table.insert(key, key_hash(key)));
    }
  }
  memory_type<no_state> type;
  counting_owner owner{home};
  engine::memory_budget budget{1U << 30U};
  engine::entity_table table{type, 0, owner, system, budget};
  std::vector<entity_cell*> all;
};

held_message message(std::uint64_t number, std::int64_t due,
                     std::size_t bytes = 10) {
  held_message made;
  made.number = number;
  made.due = timestamp{due};
  made.value = std::string(bytes, 'v');
  return made;
}

} // namespace

TEST_CASE("messages of an entity leave in the order they came, and the entity "
          "waits as long as it has any",
          "[runtime][waiting_room]") {
  cells world{2};
  waiting_room room;
  entity_cell& cell = *world.all[0];
  CHECK_FALSE(room.has(cell));
  room.push(cell, message(1, 100));
  room.push(cell, message(2, 50));
  CHECK(room.has(cell));
  CHECK_FALSE(room.has(*world.all[1]));
  CHECK(cell.waiting == 1);
  CHECK(world.all[1]->waiting == 0);
  CHECK(room.front(cell).number == 1);
  CHECK(room.cell_of(2) == &cell);
  CHECK(room.find(2)->number == 2);
  CHECK(room.pop(cell).number == 1);
  CHECK(cell.waiting == 1);
  CHECK(room.pop(cell).number == 2);
  CHECK(cell.waiting == 0);
  CHECK_FALSE(room.has(cell));
  CHECK(room.find(2) == nullptr);
  CHECK(room.cell_of(2) == nullptr);
  CHECK(room.bytes() == 0);
}

TEST_CASE("only the head of a line is due, and ties go by number",
          "[runtime][waiting_room]") {
  cells world{3};
  waiting_room room;
  timestamp due;
  CHECK_FALSE(room.first_due(due));
  CHECK(room.next_due(timestamp{1'000'000}) == nullptr);
  room.push(*world.all[0], message(1, 100));
  room.push(*world.all[0], message(2, 10));
  room.push(*world.all[1], message(4, 100));
  room.push(*world.all[2], message(3, 100));
  CHECK(room.next_due(timestamp{99}) == nullptr);
  REQUIRE(room.first_due(due));
  CHECK(due == timestamp{100});
  CHECK(room.next_due(timestamp{100}) == world.all[0]);
  room.pop(*world.all[0]);
  CHECK(room.next_due(timestamp{10}) == world.all[0]);
  room.set_due(*world.all[0], timestamp{200});
  CHECK(room.front(*world.all[0]).due == timestamp{200});
  CHECK(room.next_due(timestamp{100}) == world.all[2]);
  room.pop(*world.all[2]);
  CHECK(room.next_due(timestamp{100}) == world.all[1]);
}

TEST_CASE("a waiting room does what lists do under random pushes, pops and "
          "delays",
          "[runtime][waiting_room]") {
  constexpr std::size_t entities = 20;
  cells world{entities};
  waiting_room room;
  random_source random{31337};
  std::vector<std::deque<held_message>> model(entities);
  std::uint64_t next_number = 1;
  for (int i = 0; i < 30'000; ++i) {
    const std::size_t at = random.below(entities);
    entity_cell& cell = *world.all[at];
    auto& line = model[at];
    const auto due = static_cast<std::int64_t>(random.below(50));
    switch (random.below(3)) {
    case 0: {
      const held_message made = message(next_number++, due, random.below(2000));
      room.push(cell, made);
      line.push_back(made);
      break;
    }
    case 1:
      if (!line.empty()) {
        REQUIRE(room.pop(cell).number == line.front().number);
        line.pop_front();
      }
      break;
    default:
      if (!line.empty()) {
        room.set_due(cell, timestamp{due});
        line.front().due = timestamp{due};
      }
    }
    std::uint64_t bytes = 0;
    std::size_t size = 0;
    std::optional<std::pair<timestamp, std::uint64_t>> first;
    std::size_t first_at = 0;
    for (std::size_t e = 0; e < entities; ++e) {
      REQUIRE((world.all[e]->waiting == 1) == !model[e].empty());
      REQUIRE(room.has(*world.all[e]) == !model[e].empty());
      size += model[e].size();
      for (const held_message& each : model[e])
        bytes += each.bytes();
      if (model[e].empty())
        continue;
      const auto& head = model[e].front();
      if (!first || std::pair{head.due, head.number} < *first) {
        first = {head.due, head.number};
        first_at = e;
      }
    }
    REQUIRE(room.size() == size);
    REQUIRE(room.bytes() == bytes);
    timestamp due_first;
    REQUIRE(room.first_due(due_first) == first.has_value());
    if (first) {
      REQUIRE(due_first == first->first);
      REQUIRE(room.next_due(due_first) == world.all[first_at]);
    }
    const std::uint64_t number = 1 + random.below(next_number);
    const held_message* found = room.find(number);
    REQUIRE((found != nullptr) == (room.cell_of(number) != nullptr));
    if (found != nullptr)
      REQUIRE(found->number == number);
  }
  for (std::size_t e = 0; e < entities; ++e)
    while (room.has(*world.all[e]))
      room.pop(*world.all[e]);
  CHECK(room.bytes() == 0);
  CHECK(room.size() == 0);
}

TEST_CASE("a waiting room's bytes follow what a message learns meanwhile",
          "[runtime][waiting_room]") {
  cells world{1};
  waiting_room room;
  room.push(*world.all[0], message(1, 10));
  room.front(*world.all[0]).last_error = std::string(500, 'e');
  ++room.front(*world.all[0]).attempts;
  room.pop(*world.all[0]);
  CHECK(room.bytes() == 0);
}

TEST_CASE("a cleared waiting room holds nothing", "[runtime][waiting_room]") {
  cells world{1};
  waiting_room room;
  room.push(*world.all[0], message(1, 10));
  room.clear();
  timestamp due;
  CHECK(room.size() == 0);
  CHECK(room.bytes() == 0);
  CHECK_FALSE(room.has(*world.all[0]));
  CHECK_FALSE(room.first_due(due));
}
