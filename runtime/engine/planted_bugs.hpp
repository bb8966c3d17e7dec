#pragma once

#include <array>
#include <cstdint>

/// Mistakes for the bug zoo (`tests/simulation`): a campaign that does not find
/// them proves nothing where it finds none. Only a test's own build of the
/// engine, with `FREEHOLD_PLANTED_BUGS`, has them; elsewhere the compiler sees
/// that none is planted and leaves them out.
namespace freehold::engine {

enum class planted_bug : std::uint8_t {
  none,
  /// The front of the changelog is deleted when the unit that wrote it again is
  /// packed, not when that is committed.
  front_deleted_early,
  /// What says that a timer is gone is not written.
  tombstone_dropped,
  /// A restore reads no ids that were handled.
  ids_forgotten_at_restart,
  /// An undo without reading leaves timers as they are.
  undo_misses_timers,
  /// An undo leaves the first entity that its unit touched as it is.
  undo_misses_an_entity,
  /// A unit's positions are those that were read, not those that were taken.
  positions_ahead,
  /// A recovery trusts what the shard knows of the end of its changelog.
  stale_end_trusted,
  /// Callers are answered when a unit is packed, not when it is committed.
  answered_early,
  /// A message does not wait behind one of its entity that does.
  held_message_overtaken,
  /// A restore leaves out timers that came due in the meantime.
  due_timers_lost,
};

inline constexpr std::array all_planted_bugs{
    planted_bug::front_deleted_early,      planted_bug::tombstone_dropped,
    planted_bug::ids_forgotten_at_restart, planted_bug::undo_misses_timers,
    planted_bug::undo_misses_an_entity,    planted_bug::positions_ahead,
    planted_bug::stale_end_trusted,        planted_bug::answered_early,
    planted_bug::held_message_overtaken,   planted_bug::due_timers_lost,
};

#ifdef FREEHOLD_PLANTED_BUGS
/// One at a time; set it while no engine runs.
inline planted_bug planted = planted_bug::none;
inline bool is_planted(planted_bug which) noexcept { return planted == which; }
#else
constexpr bool is_planted(planted_bug) noexcept { return false; }
#endif

} // namespace freehold::engine
