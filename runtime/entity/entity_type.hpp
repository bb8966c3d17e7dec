#pragma once

#include "runtime/base/result.hpp"
#include "runtime/entity/effects.hpp"
#include "runtime/entity/traits.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace freehold {

enum class handled : std::uint8_t {
  /// Done; effects and state stand.
  applied,
  /// An expected no; nothing changed.
  rejected,
  /// Thrown, may pass; nothing changed.
  failed_transient,
  /// No repetition will help; nothing changed.
  failed_permanent,
  /// The bytes are no message that this entity takes; nothing changed.
  undecodable,
};

struct handling {
  handled outcome = handled::applied;
  /// The state is not what it was.
  bool changed = false;
  /// How far the entity's sequence moved.
  std::uint32_t events = 0;
  /// The reason, where the outcome is not `applied`.
  std::string why{};
};

/// Reads states that were stored under one schema.
class state_decoder {
public:
  state_decoder() = default;
  state_decoder(const state_decoder&) = delete;
  state_decoder& operator=(const state_decoder&) = delete;
  virtual ~state_decoder() = default;
  /// `state` is constructed; on an error its content is unspecified.
  virtual result<void> read(std::string_view bytes, void* state) const = 0;
};

/// One entity type as the engine sees it: memory for a state, and functions
/// over it, compiled per type. Stateless; any thread.
class entity_type {
public:
  entity_type() = default;
  entity_type(const entity_type&) = delete;
  entity_type& operator=(const entity_type&) = delete;
  virtual ~entity_type() = default;

  [[nodiscard]] virtual const entity_traits& traits() const noexcept = 0;
  /// Whether a message type's name is in the entity's list.
  [[nodiscard]] virtual bool takes(std::string_view message) const noexcept = 0;

  // -- the state as memory ---------------------------------------------------

  [[nodiscard]] virtual std::size_t state_size() const noexcept = 0;
  [[nodiscard]] virtual std::size_t state_alignment() const noexcept = 0;
  virtual void construct(void* at) const = 0;
  virtual void destroy(void* state) const noexcept = 0;
  /// Whether a state can have memory besides `state_size()`.
  [[nodiscard]] virtual bool owns_memory() const noexcept = 0;
  /// About how many bytes that is.
  [[nodiscard]] virtual std::size_t heap_bytes(const void* state) const = 0;

  // -- the state as bytes ----------------------------------------------------

  /// The present schema, encoded; states stored by this build name it.
  [[nodiscard]] virtual std::string schema() const = 0;
  /// Appends the stored form.
  virtual void encode(const void* state, std::string& out) const = 0;
  /// How to read states of an older schema. Errors: `undecodable`,
  /// `mismatch` (newer than this build), `missing_upcaster`.
  [[nodiscard]] virtual result<std::unique_ptr<state_decoder>>
  decoder(std::string_view schema) const = 0;
  [[nodiscard]] virtual std::string to_json(const void* state) const = 0;

  // -- behaviour -------------------------------------------------------------

  /// Decodes and handles one message. Never throws; effects of a message that
  /// is not `applied` are for the caller to drop from the sink.
  [[nodiscard]] virtual handling handle(void* state, std::uint64_t sequence,
                                        const incoming& message,
                                        effect_sink& sink) const noexcept = 0;
  /// Applies one event of the journal, as `handle` would have. `version` is
  /// the one it was written with.
  virtual result<void> replay(void* state, std::string_view event,
                              std::uint32_t version,
                              std::string_view json) const = 0;
};

} // namespace freehold
