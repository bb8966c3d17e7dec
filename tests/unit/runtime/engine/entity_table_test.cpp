// The table of entities against std::map: what is in it, where states live and
// what an entity costs besides key and state.
#include "runtime/base/random.hpp"
#include "tests/unit/runtime/engine/engine_parts.hpp"

#include <caf/actor.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>

using namespace freehold;
using namespace freehold::engine_parts;
using engine::entity_cell;
using engine::entity_table;

namespace {

struct small_state {
  std::int64_t value = 7;
};

struct middle_state {
  std::int64_t value = 7;
  std::array<char, 120> filler{};
};
static_assert(sizeof(middle_state) == 128);

/// Beyond the largest size that is kept within the cell.
struct big_state {
  std::int64_t value = 7;
  std::array<char, 5000> filler{};
};

struct alignas(64) aligned_state {
  std::int64_t value = 7;
};

/// Owns memory: a state that is not destroyed shows as a leak.
struct owning_state {
  std::int64_t value = 7;
  std::string text = std::string(100, 'x');
};

template <class State>
struct table_of : one_worker {
  memory_type<State> type;
  counting_owner owner{home};
  engine::memory_budget budget{std::numeric_limits<std::uint64_t>::max()};
  entity_table table{type, 3, owner, system, budget};

  State& state(entity_cell& cell) {
    return *static_cast<State*>(table.state_of(cell));
  }
  entity_cell* find(const std::string& key) {
    return table.find(key, key_hash(key));
  }
  entity_cell& insert(const std::string& key) {
    return table.insert(key, key_hash(key));
  }
};

/// Two texts of 16 bytes with one hash: the second half undoes what the first
/// one changed.
std::pair<std::string, std::string> keys_of_one_hash() {
  const auto word = [](std::string_view text) {
    std::uint64_t value = 0;
    std::memcpy(&value, text.data(), 8);
    return value;
  };
  const auto first_step = [&](std::string_view text) {
    std::uint64_t hash =
        (1469598103934665603ULL ^ word(text)) * 0x9E3779B97F4A7C15ULL;
    return hash ^ (hash >> 29);
  };
  const std::string one = "entity-aentity-b";
  const std::uint64_t second_half =
      first_step("entity-a") ^ word("entity-b") ^ first_step("entity-c");
  std::string other = "entity-c";
  other.append(reinterpret_cast<const char*>(&second_half), 8);
  return {one, other};
}

} // namespace

TEMPLATE_TEST_CASE("an entity table holds what a map holds after random "
                   "inserts and erases",
                   "[runtime][entity_table]", small_state, middle_state,
                   big_state, aligned_state, owning_state) {
  table_of<TestType> world;
  std::map<std::string, std::int64_t> model;
  random_source random{20240511};
  constexpr int operations = 100'000;
  for (int i = 0; i < operations; ++i) {
    const std::string key = "key-" + std::to_string(random.below(3000));
    entity_cell* cell = world.find(key);
    const auto known = model.find(key);
    REQUIRE((cell != nullptr) == (known != model.end()));
    if (cell == nullptr) {
      entity_cell& made = world.insert(key);
      REQUIRE(made.key() == key);
      REQUIRE(world.state(made).value == 7);
      world.state(made).value = i;
      model.emplace(key, i);
    } else {
      REQUIRE(world.state(*cell).value == known->second);
      if (random.below(2) == 0) {
        world.table.erase(*cell);
        model.erase(known);
        REQUIRE(world.find(key) == nullptr);
      } else {
        world.state(*cell).value = known->second = -i;
      }
    }
    REQUIRE(world.table.size() == model.size());
  }
  for (const auto& [key, value] : model) {
    entity_cell* cell = world.find(key);
    REQUIRE(cell != nullptr);
    REQUIRE(world.state(*cell).value == value);
  }
  std::set<std::string> visited;
  world.table.for_each(
      [&](const entity_cell& cell) { visited.emplace(cell.key()); });
  CHECK(visited.size() == model.size());
  CHECK(world.type.alive == static_cast<std::int64_t>(model.size()));
  world.table.clear();
  CHECK(world.table.size() == 0);
  CHECK(world.type.alive == 0);
  CHECK(world.find(model.begin()->first) == nullptr);
  world.insert("after a clear");
  CHECK(world.find("after a clear") != nullptr);
}

TEST_CASE("an entity table loses nobody when it grows and shrinks to nothing",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  constexpr int count = 50'000;
  std::map<int, entity_cell*> cells;
  for (int i = 0; i < count; ++i) {
    entity_cell& cell = world.insert(std::to_string(i));
    world.state(cell).value = i;
    cells.emplace(i, &cell);
  }
  for (const auto& [i, cell] : cells) {
    REQUIRE(world.find(std::to_string(i)) == cell);
    REQUIRE(world.state(*cell).value == i);
  }
  for (const auto& [i, cell] : cells)
    world.table.erase(*cell);
  CHECK(world.table.size() == 0);
  CHECK(world.type.alive == 0);
}

TEST_CASE("an entity table that is told how many are to come grows towards "
          "that, and never to more than eight times what it needs",
          "[runtime][entity_table]") {
  constexpr std::size_t slot_bytes = 16;
  const auto index_bytes = [](int count, std::size_t expected) {
    table_of<small_state> world;
    world.table.expect(expected);
    for (int i = 0; i < count; ++i)
      world.insert(std::to_string(i));
    return world.table.index_bytes();
  };
  constexpr int count = 60'000; // two thirds of 90'000 slots
  CHECK(index_bytes(count, count) >= slot_bytes * 90'000);
  CHECK(index_bytes(count, count) <= slot_bytes * 90'000 * 5 / 4);
  CHECK(index_bytes(count, std::size_t{1000} * count)
        <= slot_bytes * 90'000 * 8);
  // At once to what is needed where twice as many are expected early on.
  CHECK(index_bytes(50, 2 * 160) >= slot_bytes * 240);
  CHECK(index_bytes(count, 1) <= slot_bytes * 90'000 * 5 / 4);
}

TEST_CASE("an entity table tells keys of one hash apart",
          "[runtime][entity_table]") {
  const auto [one, other] = keys_of_one_hash();
  REQUIRE(one != other);
  REQUIRE(key_hash(one) == key_hash(other));
  table_of<small_state> world;
  world.state(world.insert(one)).value = 1;
  CHECK(world.find(other) == nullptr);
  world.state(world.insert(other)).value = 2;
  CHECK(world.state(*world.find(one)).value == 1);
  CHECK(world.state(*world.find(other)).value == 2);
  world.table.erase(*world.find(one));
  CHECK(world.find(one) == nullptr);
  REQUIRE(world.find(other) != nullptr);
  CHECK(world.state(*world.find(other)).value == 2);
}

TEST_CASE("the empty key and a key with zero bytes are keys like others",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  const std::string zeros(3, '\0');
  world.state(world.insert("")).value = 1;
  world.state(world.insert(zeros)).value = 2;
  CHECK(world.state(*world.find("")).value == 1);
  CHECK(world.state(*world.find(zeros)).value == 2);
  CHECK(world.find(std::string(2, '\0')) == nullptr);
}

TEST_CASE("states are aligned as their type asks", "[runtime][entity_table]") {
  table_of<aligned_state> world;
  for (int i = 0; i < 1000; ++i) {
    entity_cell& cell = world.insert(std::to_string(i));
    REQUIRE(reinterpret_cast<std::uintptr_t>(world.table.state_of(cell)) % 64
            == 0);
  }
}

TEMPLATE_TEST_CASE("resetting a state puts a default one in its place",
                   "[runtime][entity_table]", small_state, big_state,
                   owning_state) {
  table_of<TestType> world;
  entity_cell& cell = world.insert("a");
  world.state(cell).value = 1;
  world.table.reset_state(cell);
  CHECK(world.state(cell).value == 7);
  CHECK(world.type.alive == 1);
}

TEST_CASE("a handle outlives the erasure of its entity and is told so",
          "[runtime][entity_table]") {
  table_of<owning_state> world;
  entity_cell& cell = world.insert("a");
  const caf::actor handle = cell.handle_of();
  world.table.erase(cell);
  CHECK(world.type.alive == 0);
  CHECK(world.find("a") == nullptr);
  // What is sent to it now has no effect.
  handle->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                            engine::read_state{}),
                  nullptr);
  world.run_ready();
  CHECK(world.owner.questions == 0);
  world.insert("a");
  CHECK(world.find("a") != &cell);
}

TEST_CASE("an exit message to an entity's handle reaches the owner",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  entity_cell& cell = world.insert("a");
  const caf::actor handle = cell.handle_of();
  handle->enqueue(caf::make_mailbox_element(
                      nullptr, caf::make_message_id(), {},
                      caf::exit_msg{handle.address(), caf::exit_reason::kill}),
                  nullptr);
  world.run_ready();
  CHECK(world.owner.ends == 1);
}

TEST_CASE("an entity of 128 bytes costs at most 320 bytes besides",
          "[runtime][entity_table]") {
  const int count = GENERATE(10'000, 1'000'000);
  table_of<middle_state> world;
  for (int i = 0; i < count; ++i)
    world.insert(std::to_string(i));
  REQUIRE(world.table.size() == static_cast<std::size_t>(count));
  CHECK(world.table.overhead_bytes() <= 320);
}

TEST_CASE("an entity that left memory comes back with its place and nothing "
          "else",
          "[runtime][entity_table]") {
  table_of<owning_state> world;
  entity_cell& cell = world.insert("a");
  world.insert("b");
  const engine::stored_place place{17, 300, 800};
  cell.place = place;
  world.table.passivate(cell);
  CHECK(world.type.alive == 1);
  CHECK(world.table.size() == 2);
  CHECK(world.table.cell_count() == 1);
  CHECK(world.find("a") == nullptr);
  const auto found = world.table.look("a", key_hash("a"));
  CHECK(found.passive == place);
  CHECK(!world.table.look("c", key_hash("c")).passive);
  entity_cell& again = world.table.revive("a", key_hash("a"));
  CHECK(again.key() == "a");
  CHECK(again.place == place);
  CHECK(world.find("a") == &again);
  CHECK(!world.table.has_passive());
}

TEST_CASE("an entity table holds what a map holds while entities leave memory "
          "and come back",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  std::map<std::string, std::uint32_t> model; // packs
  random_source random{20261125};
  std::uint32_t next_pack = 1;
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = "key-" + std::to_string(random.below(3000));
    const std::uint64_t hash = key_hash(key);
    const auto found = world.table.look(key, hash);
    const auto known = model.find(key);
    REQUIRE((found.cell != nullptr || found.passive) == (known != model.end()));
    if (known == model.end()) {
      model.emplace(key, next_pack);
      if (random.below(2) == 0)
        world.table.put_passive(hash, {next_pack++, 0, 8});
      else
        world.insert(key).place = {next_pack++, 0, 8};
    } else if (found.cell == nullptr) {
      REQUIRE(found.passive.is_in(known->second));
      if (random.below(3) == 0) {
        known->second = next_pack;
        world.table.put_passive(hash, {next_pack++, 0, 8});
      } else {
        REQUIRE(world.table.revive(key, hash).key() == key);
      }
    } else {
      REQUIRE(found.cell->place.is_in(known->second));
      if (random.below(2) == 0) {
        world.table.passivate(*found.cell);
      } else if (random.below(2) == 0) {
        world.table.erase(*found.cell);
        model.erase(known);
      }
    }
    REQUIRE(world.table.size() == model.size());
  }
  CHECK(world.table.has_passive());
  CHECK(world.type.alive
        == static_cast<std::int64_t>(world.table.cell_count()));
  world.table.clear();
  CHECK(world.table.size() == 0);
  CHECK(world.budget.used() == 0);
}

TEST_CASE("a second entity with the hash of another one never leaves memory",
          "[runtime][entity_table]") {
  const auto [one, other] = keys_of_one_hash();
  table_of<small_state> world;
  const bool is_away = GENERATE(true, false);
  world.insert(one).place = {1, 0, 8};
  if (is_away)
    world.table.passivate(*world.find(one));
  CHECK(world.find(other) == nullptr);
  entity_cell& second = world.insert(other);
  CHECK(second.shares_hash == 1);
  CHECK(world.find(other) == &second);
  const auto first = world.table.look(one, key_hash(one));
  CHECK((first.cell == nullptr) == is_away);
  if (is_away) {
    CHECK(first.passive.is_in(1));
    CHECK(world.table.revive(one, key_hash(one)).shares_hash == 0);
  }
  CHECK(world.find(one) != nullptr);
  CHECK(world.find(other) == &second);
}

TEST_CASE("a passive entity moves to a newer place, and not back to an older",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  const std::uint64_t hash = key_hash("a");
  CHECK_FALSE(world.table.put_passive(hash, {5, 0, 8}));
  CHECK(world.table.put_passive(hash, {7, 0, 8}).is_in(5));
  CHECK(world.table.put_passive(hash, {6, 0, 8}).is_in(7));
  CHECK(world.table.look("a", hash).passive.is_in(7));
  // In one pack the later entry is the newer one.
  CHECK(world.table.put_passive(hash, {7, 64, 8}).is_in(7));
  CHECK(world.table.look("a", hash).passive.at() == 64);
  CHECK(world.table.size() == 1);
}

TEST_CASE("a million entities that are not in memory take at most 32 bytes "
          "each, and so does every smaller number",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  constexpr std::uint64_t count = 1'000'000;
  for (std::uint64_t i = 1; i <= count; ++i) {
    world.table.put_passive(key_hash(std::to_string(i)), {i, 0, 128});
    if (i >= 1000 && i % 97 == 0)
      REQUIRE(world.table.index_bytes() <= 32 * i);
  }
  CHECK(world.table.size() == count);
  CHECK(world.table.bytes() == 0);
  CHECK(world.table.index_bytes() <= 32 * count);
}

TEST_CASE("the hand lets go of what is not used, and of large entities before "
          "small ones",
          "[runtime][entity_table]") {
  table_of<small_state> world;
  const auto make = [&](const std::string& name, std::size_t heap_bytes) {
    world.type.heap_bytes_each = heap_bytes;
    for (int i = 0; i < 100; ++i) {
      entity_cell& cell = world.insert(name + std::to_string(i));
      cell.place = {1, 0, 8};
      world.table.use(cell);
    }
  };
  const auto in_memory = [&](const std::string& name) {
    int count = 0;
    for (int i = 0; i < 100; ++i)
      count += world.find(name + std::to_string(i)) != nullptr ? 1 : 0;
    return count;
  };
  make("small", 0);
  const std::uint64_t small_bytes = world.table.bytes();
  make("large", 50'000);
  CHECK(world.table.bytes() == world.budget.used());
  const auto anybody = [](const entity_cell&) { return true; };
  // Each was used once, and there is too much by all the large ones.
  world.table.passivate_down_to(small_bytes, anybody);
  CHECK(in_memory("large") == 0);
  CHECK(in_memory("small") == 100);
  for (int i = 0; i < 100; i += 2)
    world.table.use(*world.find("small" + std::to_string(i)));
  world.table.passivate_down_to(small_bytes / 2, anybody);
  for (int i = 0; i < 100; ++i)
    CHECK((world.find("small" + std::to_string(i)) != nullptr) == (i % 2 == 0));
  CHECK(world.table.passivate_down_to(0, [](const entity_cell&) {
    return false;
  }) == 0);
  CHECK(in_memory("small") == 50);
  world.table.passivate_down_to(0, anybody);
  CHECK(world.table.bytes() == 0);
  CHECK(world.table.cell_count() == 0);
  CHECK(world.table.size() == 200);
}

TEST_CASE("shards share a budget in proportion to what they have, and one that "
          "is alone has all of it",
          "[runtime][entity_table]") {
  engine::memory_budget budget{1000};
  budget.grew(900);
  CHECK(budget.share_of(600) == 600);
  CHECK(budget.share_of(300) == 300);
  budget.grew(100);
  CHECK(budget.share_of(600) == 600); // exactly at the budget
  budget.grew(1000);
  CHECK(budget.used() == 2000);
  CHECK(budget.share_of(1500) == 750);
  CHECK(budget.share_of(500) == 250);
  budget.shrank(500);
  CHECK(budget.share_of(1500) == 1000);
}
