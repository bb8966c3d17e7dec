#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/record.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// The event log, as the engine sees it. Kafka shaped it: shards are granted,
/// revoked and lost, a commit may end without anybody knowing how, offsets
/// have gaps, and nothing answers at once.
namespace freehold::ports {

enum class topic_role : std::uint8_t {
  /// Others write it, the application reads it.
  source,
  /// Messages between entities: the application writes and reads it.
  inbox,
  /// What a new owner restores a shard from. One partition per shard.
  changelog,
  /// The application writes it: outputs, journals, dead letters.
  output,
};

struct topic_spec {
  std::string name;
  std::uint32_t partition_count = 1;
  topic_role role = topic_role::output;
  /// What was appended longer ago than this, by the log's clock, may be
  /// deleted; of a source only what the application has taken. Zero keeps
  /// records for ever. Inbox and changelog ignore it: they are truncated.
  std::chrono::milliseconds retention{0};
  /// False: nobody asks for the headers of its records, and a log may leave
  /// them out of what it fetches.
  bool has_headers = true;
};

/// All topics of an application; `topic_index` counts into `topics`.
/// Every source, the inbox and the changelog have `shard_count` partitions.
struct log_layout {
  std::vector<topic_spec> topics;
  std::uint32_t shard_count = 1;
};

// -- reading -----------------------------------------------------------------

/// A run of committed records of one partition, in offset order. Immutable.
class record_batch {
public:
  record_batch() = default;
  record_batch(const record_batch&) = delete;
  record_batch& operator=(const record_batch&) = delete;
  virtual ~record_batch() = default;

  topic_partition source;
  std::vector<record> records;
  /// The position behind this batch: at least one past the last record. It
  /// may be more (gaps), and it moves even where no record is left to show.
  next_offset next{0};
  /// The end of what is committed (on Kafka: the last stable offset), as far as
  /// it was known when the batch was made. `next >= end`: read to the end;
  /// otherwise there may be more.
  next_offset end{0};
};

using record_batch_ptr = std::shared_ptr<const record_batch>;

enum class fetch_wait : std::uint8_t {
  /// Answer at once, with an empty batch at the end of the partition.
  no,
  /// Answer when there is at least one record (or the position can move).
  for_records,
};

struct fetch_request {
  topic_partition source;
  /// Within what is kept, `[begin, end]`. Before it and above it alike, the
  /// fetch fails with `not_found`, waiting or not: a log that ends below a
  /// position that somebody took from it has lost records.
  next_offset from{0};
  /// About how many bytes of records to return; at least one record comes.
  std::uint32_t bytes_max = 1U << 20U;
  fetch_wait wait = fetch_wait::for_records;
};

/// Reads single records of one partition by their offsets. Whoever wants them
/// derives from it to take what it needs of each.
class lookup {
public:
  lookup() = default;
  lookup(const lookup&) = delete;
  lookup& operator=(const lookup&) = delete;
  virtual ~lookup() = default;

  topic_partition source;
  /// Ascending, each once; of records that were committed.
  std::vector<record_offset> offsets;

  /// One of the records, in the order of the offsets; those that are no longer
  /// kept are left out. On a thread of the log or within a call into it, with
  /// the log's own memory: the views are valid during the call, which must not
  /// call the log.
  virtual void found(const record& what) = 0;
};

// -- committing --------------------------------------------------------------

/// One record to append. The views belong to the `unit_part` around it.
/// A null key or value has `data() == nullptr`.
struct append {
  topic_partition target;
  timestamp time;
  std::string_view key;
  std::string_view value;
  header_list headers;
};

/// What one shard adds to a commit unit. Whoever makes one derives from it to
/// keep the memory that the views point to; the log shares the ownership
/// until it has told the outcome.
class unit_part {
public:
  unit_part() = default;
  unit_part(const unit_part&) = delete;
  unit_part& operator=(const unit_part&) = delete;
  virtual ~unit_part() = default;

  partition_index shard;
  /// The ownership under which the effects came to be. A log that has granted
  /// the shard anew since refuses the unit (`commit_outcome::failed`, fenced).
  shard_epoch epoch;
  std::vector<append> appends;
  /// Input positions of this shard: the fence, what lag tools read, and how far
  /// retention may go.
  std::vector<std::pair<topic_partition, next_offset>> positions;
};

/// All or nothing of it becomes visible.
struct commit_unit {
  unit_id id;
  std::vector<std::shared_ptr<const unit_part>> parts;
};

enum class commit_outcome : std::uint8_t {
  done,
  /// Nothing of the unit is or will be visible.
  failed,
  /// The unit is visible, or not, or will be. Only `recover()` finds out.
  unknown,
};

struct commit_result {
  unit_id id;
  commit_outcome outcome = commit_outcome::failed;
  /// With `done`: for each part, the offsets of its changelog appends, in the
  /// order of the appends.
  std::vector<std::vector<record_offset>> changelog_offsets;
  /// Otherwise: why.
  error why;
};

/// Records from outside the engine (an import, an HTTP request): atomically
/// appended, outside any unit. No part of it may name the changelog.
class produce_request : public unit_part {};

struct produce_result {
  commit_outcome outcome = commit_outcome::failed;
  error why;
};

// -- ownership ---------------------------------------------------------------

struct shard_grant {
  partition_index shard;
  shard_epoch epoch;
  /// The first and one past the last offset of the shard's changelog. The new
  /// owner restores `[begin, end)` before it serves. Nothing that this node has
  /// truncated lies in it, although the log may delete it later.
  next_offset changelog_begin{0};
  next_offset changelog_end{0};
  /// Up to where inputs were taken at least, of those that the log itself keeps
  /// positions of. The changelog holds what counts; where it says less, records
  /// of it are lost.
  std::vector<std::pair<topic_partition, next_offset>> taken{};
};

/// What the log tells. Called from the log's threads or from within a call
/// into the log; never two calls at the same time. Implementations hand the
/// news on and return: they must not call the log from within.
class log_listener {
public:
  log_listener() = default;
  log_listener(const log_listener&) = delete;
  log_listener& operator=(const log_listener&) = delete;
  virtual ~log_listener() = default;

  /// The shards are ours from now on.
  virtual void granted(std::vector<shard_grant> shards) = 0;
  /// Finish what is under way, then answer with `event_log::release`.
  virtual void revoked(std::vector<partition_index> shards) = 0;
  /// Already somebody else's: drop everything, answer nothing.
  virtual void lost(std::vector<partition_index> shards) = 0;
  /// The answer to one `fetch`, with the position that was asked for: a
  /// reader that went back in the meantime recognises a late answer by it.
  virtual void fetched(next_offset from, record_batch_ptr batch) = 0;
  /// A fetch that cannot be answered, with the position that was asked for:
  /// `not_found` where that lies before the first record kept, `corrupt`,
  /// `unavailable`.
  virtual void fetch_failed(topic_partition source, next_offset from,
                            error why) = 0;
  /// The answer to one `look_up`: `found` was called for every record that is
  /// kept, or `outcome` says why not (`not_found` for a partition that does
  /// not exist, `corrupt`, `unavailable`).
  virtual void looked_up(std::shared_ptr<lookup> what,
                         result<void> outcome) = 0;
  /// The answer to one `commit`.
  virtual void committed(commit_result outcome) = 0;
  /// The answer to `recover`: the shards still owned, each with the present
  /// end of its changelog; everything ever committed lies before it. Shards
  /// that went to somebody else were reported `lost` before this call.
  virtual void recovered(std::vector<shard_grant> shards) = 0;
  /// The log cannot go on (disk full, torn file); the node stops.
  virtual void broken(error why) = 0;
};

/// A partitioned log with transactions. One engine uses one log.
///
/// Life: made by its implementation's own open function, `start` once, then
/// any calls, `stop` once. Calls may come from any thread and return without
/// waiting; answers come through the listener, which must outlive `stop`.
class event_log {
public:
  event_log() = default;
  event_log(const event_log&) = delete;
  event_log& operator=(const event_log&) = delete;
  virtual ~event_log() = default;

  /// Creates missing topics and checks the others (`mismatch` names the topic
  /// and both partition counts), then begins to grant shards.
  virtual result<void> start(const log_layout& layout,
                             log_listener& listener) = 0;

  /// Asks for records. At most one fetch per partition is under way.
  virtual void fetch(const fetch_request& what) = 0;

  /// Withdraws the fetch of a partition. An answer that is already on its way
  /// may still arrive.
  virtual void cancel_fetch(topic_partition source) = 0;

  /// Reads single records, beside any fetch. Each call is answered; several
  /// may be under way. Until the answer the log has the lookup to itself.
  virtual void look_up(std::shared_ptr<lookup> what) = 0;

  /// Commits a unit. At most one is under way; after an outcome other than
  /// `done`, `recover` comes first.
  virtual void commit(std::shared_ptr<const commit_unit> unit) = 0;

  /// After a failed or unknown outcome: gives up the producer, fences what is
  /// still in flight, and reads back how far the changelogs really go.
  virtual void recover() = 0;

  /// Appends from outside. `answer` runs on a thread of the log.
  virtual void produce(std::shared_ptr<const produce_request> what,
                       std::function<void(produce_result)> answer) = 0;

  /// Records of `target` below `before` are not needed any more. The log may
  /// delete them at once, later, or a part of them; repeating is harmless.
  /// Above the end it means the end: what is appended later stays.
  virtual void truncate(topic_partition target, next_offset before) = 0;

  /// Answers `revoked`: every unit with these shards has a known outcome.
  virtual void release(const std::vector<partition_index>& shards) = 0;

  /// The `stop` that follows is one for good: others may take the shards at
  /// once, where they would wait for a restart.
  virtual void leave() {}

  /// Ends. What was not answered by now never is. Returns when no listener
  /// call is running or will run. Idempotent.
  virtual void stop() = 0;
};

} // namespace freehold::ports
