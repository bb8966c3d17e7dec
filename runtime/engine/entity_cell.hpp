#pragma once

#include "runtime/engine/light_actor.hpp"
#include "runtime/engine/stored_place.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace freehold::engine {

class entity_table;
struct taken_message;

/// Asks an entity for its state: the answer is a `std::string` of JSON, and
/// it comes after the commit of everything that the state shows.
struct read_state {};

/// The engine's own delivery of a message through the mailbox, used where
/// direct delivery is switched off.
struct delivery {
  std::shared_ptr<taken_message> message;
};

/// One entity in memory: a light actor with the entity's key, its place in
/// the changelog and, right behind, its state. Only the shard touches it.
class entity_cell final : public light_actor {
public:
  entity_cell(caf::actor_config& config, entity_table& table,
              std::string_view key)
      : light_actor(config), table_(table), key_(key) {}
  [[nodiscard]] const char* name() const override { return "entity"; }
  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] entity_table& table() const noexcept { return table_; }
  [[nodiscard]] caf::actor handle_of();
  /// Fetches into the cache what lies first in it.
  void prefetch() const noexcept { __builtin_prefetch(&key_); }

  /// Where the newest packed state is.
  stored_place place;
  /// Events or changes so far; the number of the last one in the journal.
  std::uint64_t sequence = 0;
  /// The unit (its low bits) that has this cell in its list of touched ones.
  std::uint32_t touched_in = 0;
  /// Memory of key and state besides the cell's own block, as last measured;
  /// more than the largest number counts as that.
  std::uint32_t heap_units : 24 = 0;
  static constexpr std::uint32_t heap_unit_bytes = 64;
  static constexpr std::uint32_t heap_units_max = (1U << 24U) - 1;
  [[nodiscard]] std::uint64_t heap_bytes() const noexcept {
    return std::uint64_t{heap_units} * heap_unit_bytes;
  }
  /// How often the clock's hand spares it (`entity_table::use`).
  std::uint32_t credit : 2 = 0;
  /// Another entity has the same hash, and was there first: this one never
  /// leaves memory, so that a hash without its key always means the other.
  std::uint32_t shares_hash : 1 = 0;
  /// In the shard's list of cells that exist only if something becomes of
  /// them.
  std::uint32_t fresh : 1 = 0;
  /// Later messages wait behind one that is not finished.
  std::uint32_t waiting : 1 = 0;
  /// The state must be read again before anybody uses it.
  std::uint32_t stale : 1 = 0;

  /// Somebody outside has its handle, monitors it or is linked to it.
  [[nodiscard]] bool is_observed() const;

  /// Ends the actor for those who still hold its handle; its state is gone.
  void retire();

protected:
  [[nodiscard]] worker& home() noexcept final;
  bool handle(caf::mailbox_element& what) final;
  void terminated(const caf::error& reason) final;

private:
  entity_table& table_;
  std::string key_;
};

// One cache line besides the actor; the state begins on the next one.
static_assert(sizeof(entity_cell) == sizeof(light_actor) + 64);

} // namespace freehold::engine

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::read_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::delivery)
