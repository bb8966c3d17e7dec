#pragma once

#include "runtime/base/error.hpp"
#include "runtime/engine/shard_unit.hpp"
#include "runtime/ports/event_log.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

/// What the engine's own actors send each other. Local only: none of it is
/// ever serialized, and each holds what it carries by shared pointer or value.
namespace freehold::engine::messages {

// -- from the log, to a shard ------------------------------------------------

struct granted {
  ports::shard_grant grant;
};
struct revoked {};
struct lost {};
struct fetched {
  next_offset from;
  ports::record_batch_ptr batch;
};
struct fetch_failed {
  topic_partition source;
  next_offset from;
  error why;
};
struct looked_up {
  std::shared_ptr<ports::lookup> what;
  std::optional<error> why; // it failed
};

// -- between the commit group and its shards ---------------------------------

struct close_unit {
  unit_id unit;
};
struct part {
  partition_index shard;
  unit_id unit;
  std::shared_ptr<shard_unit> content; // null: nothing to commit
};
struct unit_done {
  std::vector<record_offset> changelog_offsets;
};
struct undo_units {};
struct resume {
  ports::shard_grant grant;
};
struct stop_taking {};
/// Also to the commit group, from outside: nothing more will come.
struct close_windows {};
struct probe {
  std::uint64_t number = 0;
};
struct probed {
  std::uint64_t probe = 0;
  bool idle = false;
};

// -- to the commit group -----------------------------------------------------

struct tick {};
struct close_wanted {};
struct undo_wanted {};
struct committed {
  ports::commit_result result;
};
struct recovered {
  std::vector<ports::shard_grant> grants;
};
/// Tell me when there is nothing left to do.
struct when_idle {
  std::function<void()> tell;
};
/// Take nothing more, commit what was taken, then tell.
struct finish {
  std::function<void()> tell;
};

// -- to a shard from itself --------------------------------------------------

struct work_now {};

// -- to supervisors ----------------------------------------------------------

struct shard_failed {
  partition_index shard;
  error why;
};
struct log_broken {
  error why;
};

// -- to anybody --------------------------------------------------------------

/// Runs a function on the actor's worker.
struct run_here {
  std::function<void()> task;
};

} // namespace freehold::engine::messages

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::granted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::revoked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::fetch_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::looked_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::close_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::part)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::unit_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::undo_units)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::resume)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::stop_taking)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::close_windows)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::probe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::probed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::close_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::undo_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::recovered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::when_idle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::finish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::work_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::shard_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::log_broken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(freehold::engine::messages::run_here)
