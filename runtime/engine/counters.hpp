#pragma once

#include <cstdint>

namespace freehold::engine {

/// What became of the records of a shard; after the commit only, so that the
/// numbers speak of what lasts. All are totals since the engine started,
/// except those named otherwise.
struct counters {
  std::uint64_t taken = 0;
  std::uint64_t applied = 0;
  std::uint64_t rejected = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t retried = 0;
  std::uint64_t held = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t published = 0;
  std::uint64_t told = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t units = 0;
  std::uint64_t units_undone = 0;
  /// Undone by reading only what the unit had changed.
  std::uint64_t quick_undos = 0;
  /// The whole changelog was read.
  std::uint64_t restores = 0;
  std::uint64_t changelog_bytes_written = 0;
  std::uint64_t compacted_bytes = 0;
  /// Answers that a bound pushed out of the dedupe window.
  std::uint64_t answers_forgotten = 0;
  /// Entities that left memory, and that came back.
  std::uint64_t passivated = 0;
  std::uint64_t brought_back = 0;
  // as of now
  std::uint64_t entities = 0;
  /// Of these, in memory, and what they take there.
  std::uint64_t entities_in_memory = 0;
  std::uint64_t entity_bytes = 0;
  std::uint64_t waiting_messages = 0;
  std::uint64_t timers = 0;
  std::uint64_t changelog_bytes = 0;
  std::uint64_t changelog_live_bytes = 0;
  std::uint64_t paused_inputs = 0;

  /// What a shard that is made anew goes on counting from.
  [[nodiscard]] counters totals() const noexcept {
    counters only = *this;
    only.entities = 0;
    only.entities_in_memory = 0;
    only.entity_bytes = 0;
    only.waiting_messages = 0;
    only.timers = 0;
    only.changelog_bytes = 0;
    only.changelog_live_bytes = 0;
    only.paused_inputs = 0;
    return only;
  }

  counters& operator+=(const counters& other) noexcept {
    taken += other.taken;
    applied += other.applied;
    rejected += other.rejected;
    duplicates += other.duplicates;
    retried += other.retried;
    held += other.held;
    dead_lettered += other.dead_lettered;
    published += other.published;
    told += other.told;
    timers_fired += other.timers_fired;
    units += other.units;
    units_undone += other.units_undone;
    quick_undos += other.quick_undos;
    restores += other.restores;
    changelog_bytes_written += other.changelog_bytes_written;
    compacted_bytes += other.compacted_bytes;
    answers_forgotten += other.answers_forgotten;
    passivated += other.passivated;
    brought_back += other.brought_back;
    entities += other.entities;
    entities_in_memory += other.entities_in_memory;
    entity_bytes += other.entity_bytes;
    waiting_messages += other.waiting_messages;
    timers += other.timers;
    changelog_bytes += other.changelog_bytes;
    changelog_live_bytes += other.changelog_live_bytes;
    paused_inputs += other.paused_inputs;
    return *this;
  }
};

} // namespace freehold::engine
