// The slabs that cells are built in: where blocks lie, how slabs grow, and when
// their memory goes, also by other threads and after the owner. What is mapped
// is counted for the whole process, so these cases compare with its beginning.
#include "runtime/base/random.hpp"
#include "runtime/engine/cell_slabs.hpp"
#include "runtime/engine/huge_pages.hpp"
#include "tests/unit/runtime/engine/engine_parts.hpp"

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace freehold;
using namespace freehold::engine_parts;
using engine::cell_slabs;
using engine::mapped_page_bytes;

namespace {

constexpr std::size_t block_bytes = 400;

std::uintptr_t number(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at);
}

/// Everything a user may write.
void scribble(cell_slabs::head* block, int with) {
  std::memset(block->front, with, sizeof block->front);
  std::memset(block + 1, with, block_bytes - sizeof *block);
}

/// Owns memory: a state that is not destroyed shows as a leak.
struct owning_state {
  std::string text = std::string(100, 'x');
};

struct table_in_world : one_worker {
  memory_type<owning_state> type;
  counting_owner owner{home};
  engine::memory_budget budget{1U << 30U};
  std::optional<engine::entity_table> table{std::in_place, type,   0U,
                                            owner,         system, budget};

  engine::entity_cell& insert(const std::string& key) {
    return table->insert(key, key_hash(key));
  }
};

} // namespace

TEST_CASE("blocks are aligned and do not overlap", "[runtime][cell_slabs]") {
  cell_slabs slabs{block_bytes};
  std::vector<cell_slabs::head*> blocks;
  for (int i = 0; i < 20'000; ++i) {
    blocks.push_back(slabs.take());
    REQUIRE(number(blocks.back()) % cell_slabs::block_alignment == 0);
    scribble(blocks.back(), i);
  }
  auto sorted = blocks;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 1; i < sorted.size(); ++i)
    REQUIRE(number(sorted[i]) - number(sorted[i - 1]) >= block_bytes);
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(blocks[static_cast<std::size_t>(i)]->front[0]
            == static_cast<std::byte>(i));
  for (auto* const each : blocks)
    cell_slabs::give_back(each);
}

TEST_CASE("slabs begin small and double up to one large page",
          "[runtime][cell_slabs]") {
  const auto before = mapped_page_bytes();
  cell_slabs slabs{block_bytes};
  CHECK(slabs.bytes() == 0);
  std::vector<cell_slabs::head*> blocks{slabs.take()};
  CHECK(slabs.bytes() == cell_slabs::slab_bytes_min);
  std::size_t size = cell_slabs::slab_bytes_min;
  std::size_t total = size;
  while (total < 5 * cell_slabs::slab_bytes_max) {
    blocks.push_back(slabs.take());
    if (slabs.bytes() == total)
      continue;
    // The one before was full but for less than a block and its own head.
    REQUIRE((blocks.size() - 1) * block_bytes <= total);
    size = std::min(size * 2, cell_slabs::slab_bytes_max);
    REQUIRE(slabs.bytes() == total + size);
    total += size;
  }
  CHECK(mapped_page_bytes() - before == slabs.bytes());
  CHECK(blocks.size() * block_bytes
        > slabs.bytes() - cell_slabs::slab_bytes_max - (64U << 10U));
  for (auto* const each : blocks)
    cell_slabs::give_back(each);
  slabs.let_go();
  CHECK(slabs.bytes() == 0);
  CHECK(mapped_page_bytes() == before);
}

TEST_CASE("memory of a large page's size is aligned to it",
          "[runtime][cell_slabs]") {
  for (const std::size_t bytes :
       {engine::huge_page_bytes, engine::huge_page_bytes * 3 + 5000}) {
    auto* const at = static_cast<char*>(engine::map_pages(bytes));
    CHECK(number(at) % engine::huge_page_bytes == 0);
    at[0] = 'a';
    at[bytes - 1] = 'z';
    engine::unmap_pages(at, bytes);
  }
}

TEST_CASE("a block that was given back is used again before a new slab",
          "[runtime][cell_slabs]") {
  cell_slabs slabs{block_bytes};
  std::vector<cell_slabs::head*> blocks;
  for (int i = 0; i < 5000; ++i)
    blocks.push_back(slabs.take());
  const std::size_t bytes = slabs.bytes();
  random_source random{7};
  for (int round = 0; round < 20; ++round) {
    std::set<cell_slabs::head*> free;
    while (free.size() < 1000) {
      const std::size_t at = random.below(blocks.size());
      scribble(blocks[at], 0xAB);
      cell_slabs::give_back(blocks[at]);
      free.insert(blocks[at]);
      blocks[at] = blocks.back();
      blocks.pop_back();
    }
    while (!free.empty()) {
      blocks.push_back(slabs.take());
      REQUIRE(free.erase(blocks.back()) == 1);
      scribble(blocks.back(), 0xCD);
    }
    REQUIRE(slabs.bytes() == bytes);
  }
  for (auto* const each : blocks)
    cell_slabs::give_back(each);
}

TEST_CASE("a block in use keeps its slab, and no other, when all are let go",
          "[runtime][cell_slabs]") {
  const auto before = mapped_page_bytes();
  cell_slabs slabs{block_bytes};
  std::vector<cell_slabs::head*> blocks;
  while (slabs.bytes() < 4 * cell_slabs::slab_bytes_max)
    blocks.push_back(slabs.take());
  cell_slabs::head* const first = blocks.front();
  cell_slabs::head* const last = blocks.back();
  for (auto* const each : blocks)
    if (each != first && each != last)
      cell_slabs::give_back(each);
  slabs.let_go();
  CHECK(mapped_page_bytes() - before
        == cell_slabs::slab_bytes_min + cell_slabs::slab_bytes_max);
  scribble(first, 1);
  // What is taken now comes from new slabs, not from what is let go.
  cell_slabs::head* const later = slabs.take();
  cell_slabs::give_back(last);
  CHECK(mapped_page_bytes() - before == 2 * cell_slabs::slab_bytes_min);
  cell_slabs::give_back(first);
  CHECK(mapped_page_bytes() - before == cell_slabs::slab_bytes_min);
  cell_slabs::give_back(later);
  slabs.let_go();
  CHECK(mapped_page_bytes() == before);
}

TEST_CASE("other threads give blocks back while the owner takes some",
          "[runtime][cell_slabs]") {
  const auto before = mapped_page_bytes();
  constexpr std::size_t places = 64;
  constexpr int rounds = 100'000;
  std::vector<std::atomic<cell_slabs::head*>> handed(places);
  std::atomic<bool> over{false};
  std::optional<cell_slabs> slabs{block_bytes};
  const auto giver = [&](std::uint64_t seed) {
    random_source random{seed};
    while (!over.load()) {
      auto* const block = handed[random.below(places)].exchange(nullptr);
      if (block == nullptr)
        continue;
      // Nobody else has it.
      if (block->front[0] != std::byte{42})
        std::abort();
      cell_slabs::give_back(block);
    }
  };
  std::thread one{giver, 1};
  std::thread other{giver, 2};
  random_source random{3};
  for (int i = 0; i < rounds; ++i) {
    auto* block = slabs->take();
    scribble(block, 42);
    block = handed[random.below(places)].exchange(block);
    if (block != nullptr)
      cell_slabs::give_back(block);
  }
  CHECK(slabs->bytes() <= 7 * cell_slabs::slab_bytes_min);
  // The last ones come back while the owner goes, or after it.
  slabs.reset();
  for (auto& each : handed)
    if (auto* const block = each.exchange(nullptr); block != nullptr)
      cell_slabs::give_back(block);
  over = true;
  one.join();
  other.join();
  CHECK(mapped_page_bytes() == before);
}

TEST_CASE("strong and weak handles outlive the table of their entity",
          "[runtime][cell_slabs]") {
  const auto before = mapped_page_bytes();
  table_in_world world;
  caf::actor strong;
  caf::weak_actor_ptr weak;
  {
    engine::entity_cell& cell = world.insert("weak");
    weak = caf::actor_cast<caf::weak_actor_ptr>(cell.handle_of());
  }
  strong = world.insert("strong").handle_of();
  for (int i = 0; i < 10'000; ++i)
    world.insert(std::to_string(i));
  world.table.reset();
  CHECK(world.type.alive == 0);
  // Both are in the first slab.
  CHECK(mapped_page_bytes() - before == cell_slabs::slab_bytes_min);
  CHECK(weak.lock() == nullptr);
  CHECK(caf::actor_cast<caf::strong_actor_ptr>(strong) != nullptr);
  CHECK(strong.address().id() == strong.id());
  strong = nullptr;
  CHECK(mapped_page_bytes() - before == cell_slabs::slab_bytes_min);
  weak = nullptr;
  CHECK(mapped_page_bytes() == before);
}

TEST_CASE("the last handle of an erased entity may go on another thread",
          "[runtime][cell_slabs]") {
  const auto before = mapped_page_bytes();
  table_in_world world;
  std::vector<caf::actor> handles;
  std::size_t bytes = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) {
      engine::entity_cell& cell = world.insert(std::to_string(i));
      handles.push_back(cell.handle_of());
      world.table->erase(cell);
    }
    std::thread elsewhere{
        [gone = std::exchange(handles, {})]() mutable { gone.clear(); }};
    elsewhere.join();
    if (round == 0)
      bytes = mapped_page_bytes();
    REQUIRE(mapped_page_bytes() == bytes);
  }
  world.table.reset();
  CHECK(mapped_page_bytes() == before);
}
