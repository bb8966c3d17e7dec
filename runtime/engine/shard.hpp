#pragma once

#include "runtime/base/random.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/engine/bringing.hpp"
#include "runtime/engine/changelog_index.hpp"
#include "runtime/engine/entity_table.hpp"
#include "runtime/engine/envelope.hpp"
#include "runtime/engine/event_clock.hpp"
#include "runtime/engine/input_position.hpp"
#include "runtime/engine/open_read.hpp"
#include "runtime/engine/quarantine.hpp"
#include "runtime/engine/shard_unit.hpp"
#include "runtime/engine/timer_table.hpp"
#include "runtime/engine/waiting_room.hpp"
#include "runtime/ports/crash_ledger.hpp"
#include "runtime/ports/event_log.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::engine {

/// What a shard needs of the world around it. Called on the shard's worker.
class shard_host {
public:
  shard_host() = default;
  shard_host(const shard_host&) = delete;
  shard_host& operator=(const shard_host&) = delete;
  virtual ~shard_host() = default;

  virtual worker& home() noexcept = 0;
  [[nodiscard]] virtual timestamp now() const = 0;
  virtual void fetch(const ports::fetch_request& what) = 0;
  virtual void cancel_fetch(topic_partition source) = 0;
  virtual void look_up(std::shared_ptr<ports::lookup> what) = 0;
  virtual void truncate(topic_partition target, next_offset before) = 0;
  /// The unit should close before its time.
  virtual void close_wanted() = 0;
  /// `shard::work` should run again, after others had their turn.
  virtual void continue_later() = 0;
  /// `shard::work` should run at `due`.
  virtual void wake_at(timestamp due) = 0;
  /// The part for a close that could not be given at once.
  virtual void part_ready(unit_id unit, std::shared_ptr<shard_unit> part) = 0;
  /// The answer to `probe`.
  virtual void probed(bool idle) = 0;
  /// A revoked shard has nothing left in flight.
  virtual void released() = 0;
  /// An entity was ended from outside: its unit must be undone.
  virtual void undo_wanted() = 0;
  /// A message that earlier lives of the process died of is dealt with.
  virtual void acquit(const ports::crash_ledger::suspect& whom) = 0;
  /// Whether anybody listens to `answered`.
  [[nodiscard]] virtual bool wants_answers() const = 0;
  /// The shard cannot go on. Nothing was dropped.
  virtual void failed(const error& why) = 0;
  /// Answers of messages, committed.
  virtual void answered(const std::vector<answer_notice>& notices) = 0;
};

/// A message on its way to its entity, out of a log record, the waiting room
/// or a timer.
struct taken_message {
  /// Where it was read; null for the inbox and for timers.
  const application_plan::source* source = nullptr;
  entity_table* table = nullptr;
  std::uint64_t hash = 0;
  bool deduplicate = false;
  incoming message;
  /// The record as it came; a timer has none, and `shard::record_of` makes one.
  topic_index topic;
  record raw;
  /// The timer that it is of, out of the table; null for anything else.
  timer* fired = nullptr;
  /// Why it cannot be handled. Without a table it has not even an address.
  std::string fault;
  /// It is no message but what a shard says of event time.
  std::optional<marker> mark;
  /// Keeps what the views need, where that is not the batch.
  std::string scratch;
  /// The shard's round of deliveries; one of an earlier round was given up.
  std::uint64_t round = 0;
};

/// One shard: its entities, inputs, held messages and timers, and the commit
/// unit that is being filled. Plain decisions over plain data; threads, actors
/// and the log are behind `shard_host`. All calls on the shard's worker.
///
/// ```
///            granted            caught up             close, commit
/// unowned ───────────► restoring ───────► serving ◄──────────────┐
///    ▲                     ▲                │ undo      │ revoked │
///    │ released            └── undoing ◄────┘           ▼         │
///    └──────────────────────────────────────────── draining ──────┘
/// ```
///
/// `lost` leads to `unowned` from everywhere.
class shard final : public cell_owner {
public:
  /// What a state's record may need besides its key and the state itself.
  static constexpr std::size_t state_overhead_bytes = 256;
  /// What a changed state counts at the least towards its unit's size.
  static constexpr std::uint64_t state_bytes_min = 256;

  enum class state : std::uint8_t {
    unowned,
    restoring,
    serving,
    /// The last units did not happen; waits for `resume`.
    undoing,
    /// Revoked: takes nothing, finishes what is in flight.
    draining,
    /// Stopped by an error; keeps everything as it was.
    failed,
  };

  shard(std::shared_ptr<const application_plan> plan, partition_index index,
        shard_host& host, caf::actor_system& system,
        ports::crash_slot& crash_slot,
        const std::vector<ports::crash_ledger::suspect>& suspects,
        quarantine& alone, std::deque<memory_budget>& budgets,
        const counters& so_far);
  ~shard() override;

  // -- ownership -------------------------------------------------------------

  void grant(const ports::shard_grant& grant);
  void revoke();
  void lose();

  // -- input -----------------------------------------------------------------

  void fetched(next_offset from, const ports::record_batch_ptr& batch);
  void fetch_failed(topic_partition source, next_offset from, const error& why);
  /// The answer to a lookup; `why` says that it failed.
  void looked_up(const std::shared_ptr<ports::lookup>& what,
                 const std::optional<error>& why);
  /// Handles a slice of what is there. Cheap when there is nothing.
  void work();
  /// Takes no further input, for good; what was taken is finished.
  void stop_taking();
  /// Fires every timer by event time that is set by now, whatever the
  /// watermark: nothing more will come.
  void close_windows();

  // -- commit units ----------------------------------------------------------

  /// Ends the filling unit at this message boundary. Null: nothing to commit.
  /// `std::nullopt`: messages are on their way, `part_ready` follows.
  std::optional<std::shared_ptr<shard_unit>> close(unit_id unit);
  /// The outcome of the unit that `close` gave a part for.
  void committed(const std::vector<record_offset>& changelog_offsets);
  /// The unit in flight and the filling one never were.
  void undo();
  /// After `undo`: the log knows again how far the changelog really goes.
  void resume(const ports::shard_grant& grant);

  /// Finds out whether really nothing is left to do; `probed` answers.
  void probe();

  // -- looking in ------------------------------------------------------------

  [[nodiscard]] state current_state() const noexcept { return state_; }
  [[nodiscard]] partition_index index() const noexcept { return index_; }
  [[nodiscard]] counters count() const;
  /// Of all inputs; of none while the shard is not served.
  void tell_positions(std::vector<input_position>& into) const;
  /// Nothing once all is read.
  [[nodiscard]] std::optional<restore_position> restoring() const;
  /// Tells the entity's handle, or none where it does not exist here: at once,
  /// or after it has come back into memory. Who holds the handle keeps it
  /// there.
  void find_entity(std::string_view type, std::string_view key,
                   std::function<void(caf::actor)> tell);
  [[nodiscard]] const entity_table& table(std::uint32_t type) const {
    return *tables_[type];
  }

  // -- cell_owner ------------------------------------------------------------

  worker& home() noexcept override { return home_; }
  void arrived(entity_cell& cell, taken_message& message) override;
  void asked(entity_cell& cell, const caf::strong_actor_ptr& asker,
             caf::message_id id) override;
  void ended(entity_cell& cell) override;

private:
  struct input {
    input(topic_partition from, const application_plan::source* what)
        : source(from), description(what) {}

    /// Nothing is read any more; the next record to take is at `at`.
    void begin_at(next_offset at) {
      *this = input{source, description};
      position = at;
      read_to = at;
    }

    topic_partition source;
    /// Null for the inbox: its messages name their entity type.
    const application_plan::source* description;
    /// The next offset to take.
    next_offset position{0};
    /// Up to where batches came, and from where the next one is asked for. It
    /// may move without records where offsets have a gap.
    next_offset read_to{0};
    ports::record_batch_ptr current;
    std::size_t cursor = 0;
    ports::record_batch_ptr ahead;
    open_read asked;
    bool probing = false;
    /// The last batch came to the end of the partition; since when there was
    /// nothing more.
    bool at_end = false;
    timestamp at_end_since{};
  };

  /// A schema in the changelog.
  struct known_schema {
    std::uint32_t type = 0;
    std::string bytes;
    std::unique_ptr<state_decoder> decoder;
    std::string fault; // why there is no decoder
    std::uint64_t pack = 0;
  };

  /// Somebody outside looks for an entity that is not in memory.
  struct search {
    std::uint32_t type = 0;
    std::string key;
    std::function<void(caf::actor)> tell;
  };

  struct timer_change {
    bool set = false;
    timer_ptr what; // of a cancelled one, only the identity
  };

  class sink;

  // intake (shard_intake.cpp)
  [[nodiscard]] bool may_take() const noexcept;
  [[nodiscard]] bool compaction_comes_first() const noexcept;
  /// What waits has reached its bound: inputs pause.
  [[nodiscard]] bool is_full() const noexcept;
  void withdraw(input& from);
  void request_input(input& from);
  std::size_t take_from(input& from, std::size_t count);
  void prepare_from(input& from);
  void prepare(input& from, const record& what, taken_message& into);
  void prepare_envelope(std::string_view value, taken_message& into);
  void prepare_record(const record& what, taken_message& into);

  // delivery (shard_delivery.cpp, shard_waiting.cpp)
  void deliver(taken_message& message);
  /// Whether this shard has the message's entity; if not, it ends here.
  bool is_at_home(const taken_message& message);
  void send_to_cell(entity_cell& cell, taken_message&& message);
  void handle_at(entity_cell& cell, taken_message& message);
  void hold_behind(entity_cell& cell, const taken_message& message);
  /// Runs the handler. False: a transient failure, with the reason in `why`.
  bool run(entity_cell& cell, taken_message& message, std::string& why);
  handling run_handler(entity_cell& cell, const taken_message& message);
  handling run_carefully(entity_cell& cell, const taken_message& message);
  void settle(const taken_message& message, answer_status status,
              std::string_view body);
  void touch(entity_cell& cell);
  void apply_timers();
  /// What was taken out of the table, for good.
  void note_gone(timer_ptr gone);
  void hold(entity_cell& cell, const taken_message& message,
            std::uint32_t attempts, timestamp due, std::string_view why);
  /// Ends a message as a dead letter.
  void give_up(const taken_message& message, std::string_view why,
               std::string_view reason, std::uint32_t attempts);
  void dead_letter(const taken_message& message, std::string_view why,
                   std::string_view reason, std::uint32_t attempts);
  /// The record that stands for a message where it waits or dies.
  [[nodiscard]] record record_of(const taken_message& message);
  [[nodiscard]] bool can_be_held(const taken_message& message);
  [[nodiscard]] timestamp retry_due(std::uint32_t attempts,
                                    const taken_message& message) const;
  bool retry_one();
  bool fire_one();
  void note_fresh(entity_cell& cell);
  void drop_fresh();
  void forget_underway();
  void answer(const state_request& whom);
  void ask_again(std::vector<state_request>& requests);
  /// Ends an unfinished probe: something changed meanwhile.
  void give_up_probe();
  [[nodiscard]] const ports::crash_ledger::suspect*
  suspicion(const taken_message& message) const;
  void notify(const taken_message& message, answer_status status,
              std::string_view body);
  void acquit_after_commit(const taken_message& message);
  /// Forgets a suspicion that has come to its end.
  void acquit(const ports::crash_ledger::suspect& whom);
  /// Those whose message was dealt with, though the process died before it
  /// could say so.
  void acquit_the_committed();

  // passivation (shard_passivation.cpp)
  [[nodiscard]] std::shared_ptr<bringing> new_bringing() const;
  /// False where nothing is wanted.
  bool ask_for(std::shared_ptr<bringing> wanted);
  /// How many of the prepared messages, from the first on, have their entity
  /// in memory or a new one. Where it is none, theirs are asked for.
  std::size_t in_memory_of(std::size_t begin, std::size_t end);
  [[nodiscard]] bool is_away(const timer& what) const;
  /// Asks for the entities of this timer and of others that are due.
  void bring_due_timers(const timer& first);
  // Each asks for what it needs; false where nothing is away.
  bool bring_sought();
  bool bring_held();
  bool positions_are_whole();
  bool bring_stale();
  bool come_back(const bringing& from, const bringing::wanted& one);
  bool read_state_into(entity_cell& cell, const changelog::state_entry& entry);
  [[nodiscard]] bool may_leave(const entity_cell& cell) const;
  void passivate_idle();

  // event time (shard_time.cpp)
  [[nodiscard]] event_clock new_clock() const;
  void note_event_time(taken_message& message);
  /// It waits for the others: it is too far ahead in event time.
  [[nodiscard]] bool is_ahead(const input& from) const noexcept;
  /// Commits what there is, where an input waits: the others may wait for what
  /// it would tell them.
  void let_others_follow();
  void take_marker(const marker& told);
  void announce_event_time();
  void pack_event_time();
  bool restore_event_time(std::string_view payload);
  /// The timer to fire now, by whichever clock, or null.
  [[nodiscard]] timer* next_timer();
  /// Fetches into the cache what the next timers by event time will touch:
  /// windows of many entities close at one moment.
  void prefetch_due(std::size_t count);
  [[nodiscard]] bool has_timer_by_event_time();

  // units (shard_commit.cpp)
  void begin_unit();
  /// False: it was undone instead, because a state is too large.
  [[nodiscard]] bool schema_copies_are_due() const noexcept;
  bool pack_unit();
  [[nodiscard]] bool positions_moved() const;
  void finish_close(unit_id unit);
  [[nodiscard]] std::uint64_t unit_bytes() const noexcept;
  void undo_quickly();
  void undo_cells(shard_unit& unit);
  void forget_everything();
  void note_packed(const entity_cell& cell, std::size_t pack,
                   std::size_t noted_from);
  void compact();
  bool touch_states_of_front();
  bool compact_front_as_read();
  void compact_pack(std::string_view pack, std::uint64_t number);
  [[nodiscard]] bool compaction_wanted() const noexcept;
  /// What compaction may read after a unit that wrote so much.
  [[nodiscard]] std::uint64_t
  compaction_budget(std::uint64_t written) const noexcept;
  void expire_answers();

  // restoring (shard_restore.cpp)
  void start_restore(next_offset begin, next_offset end);
  void read_on();
  void restore_from(const ports::record_batch& batch);
  [[nodiscard]] std::vector<std::size_t> entity_counts() const;
  void expect_entities(const std::vector<std::size_t>& before,
                       std::int64_t read, std::int64_t left);
  void restore_positions(const changelog::unit_header& header);
  bool restore_pack(std::string_view pack, std::uint64_t number);
  bool restore_entry(const changelog::pack_reader::entry& what,
                     std::uint64_t number);
  bool note_state(changelog::entry_kind kind, std::string_view payload,
                  stored_place here);
  bool restore_noted();
  bool restore_early(std::uint32_t schema);
  void serve();
  void fail(const error& why);
  /// What is wrong with a record of the changelog.
  void fail_pack(std::uint64_t number, const error& why);
  void fail_unreadable(const entity_table& table, std::string_view key,
                       const error& why);
  void schedule_wake();
  std::uint32_t ensure_schema(std::uint32_t type);

  const std::shared_ptr<const application_plan> plan_;
  const partition_index index_;
  shard_host& host_;
  /// Not asked of the host: entities end after it.
  worker& home_;
  ports::crash_slot& crash_slot_;
  /// Of this shard: died of in earlier lives and not dealt with.
  std::vector<ports::crash_ledger::suspect> suspects_;
  quarantine& quarantine_;
  state state_ = state::unowned;
  shard_epoch epoch_;
  bool stopped_taking_ = false;
  /// Revoked while units were being undone: to be answered after that.
  bool revoked_ = false;

  std::vector<std::unique_ptr<entity_table>> tables_;
  std::vector<input> inputs_;
  std::size_t next_input_ = 0;
  std::vector<next_offset> committed_positions_;
  /// What the log knew when the shard was granted.
  std::vector<std::pair<topic_partition, next_offset>> taken_by_log_;
  /// Of topics that are no input now: kept for the day they are one again.
  std::map<std::string, next_offset, std::less<>> other_positions_;
  event_clock clock_;
  /// As of the unit in flight, and of the last one committed.
  event_clock packed_clock_;
  event_clock committed_clock_;
  /// The time of the slice that is being taken.
  timestamp slice_time_{};
  /// Timers by event time with a lower number fire at once; 0: none.
  std::uint64_t closing_below_ = 0;
  waiting_room waiting_;
  timer_table timers_;
  dedupe_table answers_;
  /// Numbers of held messages and timers.
  std::uint64_t next_number_ = 1;

  // the unit being filled, the one in flight, and one to use again
  std::shared_ptr<shard_unit> filling_;
  std::shared_ptr<shard_unit> in_flight_;
  std::shared_ptr<shard_unit> spare_;
  std::uint32_t touch_number_ = 1;
  std::uint32_t touched_in_flight_ = 0;
  std::uint64_t unit_number_ = 0;
  /// How large a state was in the last unit, on average.
  std::uint64_t state_bytes_expected_ = state_bytes_min;
  /// Cells that exist only because a message looked for them.
  std::vector<entity_cell*> fresh_;
  std::optional<unit_id> close_pending_;
  bool close_asked_ = false;
  /// Every state is measured right after its change, because one was found
  /// too large for the log at the close of a unit.
  bool careful_ = false;

  // messages on their way through mailboxes (direct delivery off)
  std::size_t underway_ = 0;
  std::uint64_t underway_bytes_ = 0;
  std::uint64_t round_ = 0;
  /// What the views of those messages point into.
  std::vector<ports::record_batch_ptr> underway_batches_;
  std::size_t arrived_ = 0;

  // effects of the message being handled
  std::unique_ptr<sink> sink_;
  std::vector<timer_change> timer_changes_;
  std::string reply_;
  const taken_message* handling_ = nullptr;
  entity_cell* handling_cell_ = nullptr;
  std::uint32_t ordinal_ = 0;
  std::string scratch_;
  std::string envelope_scratch_;
  std::string fired_scratch_;
  /// Messages of one input, ready to be delivered: [at, end) of the array, the
  /// first of them from where that input's cursor is.
  std::array<taken_message, 128> prepared_;
  const input* prepared_of_ = nullptr;
  std::size_t prepared_at_ = 0;
  std::size_t prepared_end_ = 0;

  // the changelog
  changelog_index changelog_;
  std::map<std::uint32_t, known_schema> schemas_;
  std::vector<std::uint32_t> schema_of_type_; // 0: none yet
  /// The pack that has the newest copy of all schemas.
  std::uint64_t schemas_copied_in_ = 0;
  std::uint64_t last_header_pack_ = 0;
  /// One past the last committed record of the changelog.
  next_offset changelog_end_{0};

  // compaction
  std::uint64_t front_ = 0; // packs below were taken over by units
  ports::record_batch_ptr front_batch_;
  std::size_t front_cursor_ = 0;
  open_read front_asked_;
  std::uint64_t compaction_budget_ = 0;

  // passivation
  /// What was asked of the log, until the answer.
  std::shared_ptr<bringing> bringing_;
  /// What came has not been used yet: nobody leaves.
  bool just_brought_ = false;
  std::vector<search> sought_;

  // restoring
  struct reading {
    bool all = true; // false: first the stale cells, then the tail
    next_offset from{0};
    next_offset end{0};
    open_read asked;
  };
  reading reading_;
  std::uint32_t restore_begins_ = 0;
  struct noted_state {
    changelog::state_entry entry;
    entity_table* table = nullptr;
    std::uint64_t hash = 0;
    stored_place place;
    bool by_hash = true;
  };
  /// Of the pack that is restored: their slots are on the way from memory.
  std::vector<noted_state> noted_;
  struct restored_held {
    std::uint32_t type = 0;
    std::string key;
    held_message message;
  };
  std::map<std::uint64_t, restored_held> restored_held_;
  /// States that came before their schema: compaction moved it behind them.
  struct early_state {
    changelog::entry_kind kind = changelog::entry_kind::state;
    std::uint32_t schema = 0;
    stored_place place;
    std::string payload;
  };
  std::vector<early_state> early_;
  std::vector<entity_cell*> stale_;
  /// Asked while the states were not the committed ones.
  std::vector<state_request> postponed_;
  std::size_t probes_left_ = 0;
  bool probe_idle_ = false;

  counters total_;
};

} // namespace freehold::engine
