#pragma once

#include "runtime/engine/arena.hpp"
#include "runtime/engine/changelog.hpp"
#include "runtime/engine/changelog_index.hpp"
#include "runtime/engine/counters.hpp"
#include "runtime/engine/dedupe_table.hpp"
#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/stored_place.hpp"
#include "runtime/engine/timer_table.hpp"
#include "runtime/ports/event_log.hpp"

#include <caf/actor.hpp>
#include <caf/message_id.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::engine {

class entity_cell;

/// The answer to one message, told after its unit has committed.
struct answer_notice {
  std::string entity;
  std::string key;
  std::string event_id;
  answer_status status = answer_status::applied;
  /// JSON of the reply, or the reason of a rejection as plain text.
  std::string body;
};

/// Somebody outside who wants to read an entity's state.
struct state_request {
  caf::actor entity;
  caf::strong_actor_ptr asker;
  caf::message_id id;
  /// The state as it was when it was asked for.
  std::string text;
};

/// A cell as it was before the unit touched it.
struct touched_cell {
  entity_cell* cell = nullptr;
  stored_place place;
  std::uint64_t sequence = 0;
};

/// Everything one shard does between two closes: the appends for the log, the
/// packs of the changelog, what to undo if it fails and what to tell when it
/// is done. While the log holds it, the shard only reads it; afterwards its
/// memory is used again.
class shard_unit final : public ports::unit_part {
public:
  arena bytes;
  changelog::pack_writer packs;

  /// What will be packed or told besides `bytes`, as far as it is known before
  /// it is encoded: what `engine_options::unit_bytes_max` bounds.
  std::uint64_t expected_bytes = 0;

  // -- to undo ---------------------------------------------------------------
  std::vector<touched_cell> touched;
  /// Answers that are new in this unit: undoing forgets them.
  std::vector<changelog::message_fingerprint> answered;
  /// Answers that compaction writes again, with the pack they were in.
  std::vector<std::pair<changelog::message_fingerprint, std::uint64_t>>
      answers_moved;
  /// An entity was ended from outside with its changes in it.
  bool has_lost_a_cell = false;
  /// Timers were set or taken out; also where nothing of it is left to write.
  bool has_changed_timers = false;

  // -- to write at the close -------------------------------------------------
  std::vector<std::uint64_t> held_changed;
  std::vector<std::uint64_t> held_gone;
  /// Out of the table, while the changelog still has their entries. Those to
  /// write are in the table.
  std::vector<timer_ptr> timers_gone;
  std::vector<std::uint32_t> schemas_changed;
  /// Of each pack, as `changelog_index` remembers them.
  std::vector<std::vector<changelog_index::state_of>> states_of_pack;

  // -- to tell when done -----------------------------------------------------
  std::vector<answer_notice> notices;
  std::vector<std::function<void()>> after_commit;
  std::vector<state_request> asked;
  counters done;
  /// Packs below this number may be deleted once the unit is done.
  std::uint64_t cut_below = 0;
  /// Every state was measured right after its change.
  bool careful = false;

  /// Nothing in it that the log would have to know.
  [[nodiscard]] bool is_blank() const noexcept {
    return appends.empty() && touched.empty() && answered.empty()
           && answers_moved.empty() && held_changed.empty() && held_gone.empty()
           && !has_changed_timers && schemas_changed.empty();
  }

  /// Whether undoing it means to restore the whole shard: what it did to held
  /// messages, timers and schemas has no undo of its own.
  [[nodiscard]] bool needs_restore_to_undo() const noexcept {
    return has_lost_a_cell
           || (has_changed_timers
               && !is_planted(planted_bug::undo_misses_timers))
           || !held_changed.empty() || !held_gone.empty()
           || !schemas_changed.empty();
  }

  void clear() {
    bytes.clear();
    appends.clear();
    positions.clear();
    expected_bytes = 0;
    touched.clear();
    answered.clear();
    answers_moved.clear();
    has_lost_a_cell = false;
    has_changed_timers = false;
    held_changed.clear();
    held_gone.clear();
    timers_gone.clear();
    schemas_changed.clear();
    for (auto& states : states_of_pack)
      states.clear();
    notices.clear();
    after_commit.clear();
    asked.clear();
    done = {};
    cut_below = 0;
    careful = false;
  }
};

} // namespace freehold::engine
