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
  /// Event time is that of whoever has come furthest.
  watermark_by_maximum,
  /// A handler sees the watermark of now, not of when its message was taken.
  watermark_of_the_retry,
};

struct named_planted_bug {
  planted_bug which;
  const char* name;
};

inline constexpr std::array all_planted_bugs{
    named_planted_bug{planted_bug::front_deleted_early,
                      "the changelog's front is deleted before the commit"},
    named_planted_bug{planted_bug::tombstone_dropped,
                      "what says that a timer is gone is not written"},
    named_planted_bug{planted_bug::ids_forgotten_at_restart,
                      "ids are forgotten at a restart"},
    named_planted_bug{planted_bug::undo_misses_timers, "an undo misses timers"},
    named_planted_bug{planted_bug::undo_misses_an_entity,
                      "an undo misses an entity"},
    named_planted_bug{planted_bug::positions_ahead,
                      "positions are those that were read"},
    named_planted_bug{planted_bug::stale_end_trusted,
                      "a recovery trusts the shard's end of the changelog"},
    named_planted_bug{planted_bug::answered_early,
                      "callers are answered before the commit"},
    named_planted_bug{planted_bug::held_message_overtaken,
                      "a held message is overtaken"},
    named_planted_bug{planted_bug::due_timers_lost,
                      "timers that came due are lost at a restart"},
    named_planted_bug{planted_bug::watermark_by_maximum,
                      "the watermark is the maximum"},
    named_planted_bug{planted_bug::watermark_of_the_retry,
                      "a retry sees the watermark of now"},
};

#ifdef FREEHOLD_PLANTED_BUGS
/// One at a time; set it while no engine runs.
inline planted_bug planted = planted_bug::none;
inline bool is_planted(planted_bug which) noexcept { return planted == which; }
#else
constexpr bool is_planted(planted_bug) noexcept { return false; }
#endif

} // namespace freehold::engine
