#include "bridges/log/lmdb_changelog_copy.hpp"

#include "bridges/log/durable_files.hpp"
#include "runtime/base/assert.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>
#include <utility>

namespace freehold::bridges::log {

namespace {

/// A batch of the store: what is read to have one record of it.
constexpr std::size_t batch_bytes = (16U << 10U) - 16;
/// How many batches one call deletes, and how many one transaction.
constexpr std::uint32_t truncated_batches_max = 1024;
constexpr std::uint32_t deleted_batches_max = 8192;

stored_partition stored(partition_index shard) { return {0, shard.value()}; }

} // namespace

result<std::unique_ptr<lmdb_changelog_copy>>
lmdb_changelog_copy::open(options how) {
  if (auto made = make_durable_directory(how.directory); !made)
    return made.error();
  std::unique_ptr<lmdb_changelog_copy> copy{
      new lmdb_changelog_copy{std::move(how)}};
  auto lock = writer_lock::take(copy->how_.directory);
  if (!lock)
    return lock.error();
  copy->lock_ = *std::move(lock);
  if (copy->was_cut_off())
    if (auto gone = copy->throw_away(
            {errc::corrupt, "the machine stopped while it was written"});
        !gone)
      return gone.error();
  if (auto opened = copy->open_store(); !opened) {
    if (opened.error().code == errc::no_space)
      return opened.error();
    if (auto gone = copy->throw_away(opened.error()); !gone)
      return gone.error();
    if (auto again = copy->open_store(); !again)
      return again.error();
  }
  if (auto noted = write_durable_file(copy->boot_file(), copy->boot()); !noted)
    return noted.error();
  return copy;
}

lmdb_changelog_copy::~lmdb_changelog_copy() {
  if (store_ == nullptr)
    return;
  const auto synced = store_->sync();
  store_ = nullptr;
  std::error_code ignored;
  if (synced)
    std::filesystem::remove(boot_file(), ignored);
}

std::string lmdb_changelog_copy::boot() const {
  std::string text;
  std::ifstream in{how_.boot_id};
  std::getline(in, text);
  return text.empty() ? "unknown\n" : text + "\n";
}

bool lmdb_changelog_copy::was_cut_off() const {
  std::error_code missing;
  if (!std::filesystem::exists(boot_file(), missing))
    return false; // closed in order, or never there
  std::string noted;
  std::ifstream in{boot_file()};
  std::getline(in, noted);
  return noted + "\n" != boot() || noted == "unknown";
}

result<void> lmdb_changelog_copy::throw_away(const error& why) {
  if (how_.warn)
    how_.warn({why.code, "the copy of the changelog in "
                             + how_.directory.string()
                             + " is thrown away: " + why.context});
  store_ = nullptr;
  for (const char* const name : {"data.mdb", "lock.mdb", "freehold-log.format"})
    if (std::error_code failed;
        !std::filesystem::remove(how_.directory / name, failed) && failed)
      return error{errc::unavailable,
                   (how_.directory / name).string() + ": " + failed.message()};
  return {};
}

result<void> lmdb_changelog_copy::open_store() {
  auto store = lmdb_store::open({.directory = how_.directory,
                                 .mode = store_mode::write,
                                 .fsync = false,
                                 .map_bytes_max = how_.map_bytes_max});
  if (!store)
    return store.error();
  store_ = *std::move(store);
  auto topics = store_->topics();
  if (!topics)
    return topics.error();
  if (topics->empty()) {
    auto into = store_write::begin(*store_);
    if (!into)
      return into.error();
    if (auto put = (*into)->put_topic(0, {.name = how_.changelog,
                                          .partition_count = how_.shard_count,
                                          .role = ports::topic_role::changelog,
                                          .retention = {}});
        !put)
      return put;
    for (std::uint32_t shard = 0; shard < how_.shard_count; ++shard)
      if (auto put = (*into)->put_bounds({0, shard}, {}); !put)
        return put;
    if (auto committed = (*into)->commit(); !committed)
      return committed;
    bounds_.assign(how_.shard_count, {});
    return {};
  }
  const auto& found = topics->front();
  if (found.spec.name != how_.changelog
      || found.spec.partition_count != how_.shard_count)
    return error{errc::mismatch,
                 "it is of " + found.spec.name + " with "
                     + std::to_string(found.spec.partition_count)
                     + " partitions, and not of " + how_.changelog + " with "
                     + std::to_string(how_.shard_count)};
  bounds_ = found.partitions;
  return {};
}

// -- the port ----------------------------------------------------------------

ports::partition_bounds
lmdb_changelog_copy::bounds(partition_index shard) const {
  return bounds_.at(shard.value());
}

result<void> lmdb_changelog_copy::put(store_write& into, const addition& what) {
  const auto flush = [&] {
    auto done =
        into.put_batch(stored(what.shard),
                       batch_.finish(0, what.shard.value(), how_.clock->now()));
    batch_.clear();
    return done;
  };
  // One run of offsets without a hole, whatever the log has between records.
  next_offset at = bounds(what.shard).end;
  FREEHOLD_ASSERT(what.end > at, "a copy grows");
  batch_.clear();
  for (const record& each : what.records) {
    const std::size_t size =
        each.key.size() + each.value.size() + each.headers.packed().size();
    if (!batch_.empty() && batch_.size_bytes() + size > batch_bytes)
      if (auto flushed = flush(); !flushed)
        return flushed;
    if (batch_.empty())
      batch_.begin(at);
    batch_.add(each.offset,
               {{}, each.time, each.key, each.value, each.headers});
    at = after(each.offset);
  }
  if (batch_.empty())
    batch_.begin(at);
  batch_.extend(what.end);
  return flush();
}

result<void> lmdb_changelog_copy::append(std::span<const addition> all) {
  auto into = store_write::begin(*store_);
  if (!into)
    return into.error();
  for (const addition& each : all) {
    if (auto done = put(**into, each); !done)
      return done;
    if (auto done = (*into)->put_bounds(stored(each.shard),
                                        {bounds(each.shard).begin, each.end});
        !done)
      return done;
  }
  if (auto committed = (*into)->commit(); !committed)
    return committed;
  for (const addition& each : all)
    bounds_[each.shard.value()].end = each.end;
  return {};
}

result<void> lmdb_changelog_copy::begin_anew(partition_index shard,
                                             next_offset at) {
  const next_offset end = bounds(shard).end;
  for (bool more = true; more;) {
    auto into = store_write::begin(*store_);
    if (!into)
      return into.error();
    const auto deleted =
        (*into)->delete_front(stored(shard), end, deleted_batches_max);
    if (!deleted)
      return deleted.error();
    more = deleted->more;
    // What is left lies before its bounds, which nobody reads.
    const ports::partition_bounds next = more
                                             ? ports::partition_bounds{end, end}
                                             : ports::partition_bounds{at, at};
    if (auto done = (*into)->put_bounds(stored(shard), next); !done)
      return done;
    if (auto committed = (*into)->commit(); !committed)
      return committed;
    bounds_[shard.value()] = next;
  }
  return {};
}

result<void> lmdb_changelog_copy::truncate(partition_index shard,
                                           next_offset before) {
  const auto is = bounds(shard);
  before = std::min(before, is.end);
  if (before <= is.begin)
    return {};
  auto into = store_write::begin(*store_);
  if (!into)
    return into.error();
  if (const auto deleted =
          (*into)->delete_front(stored(shard), before, truncated_batches_max);
      !deleted)
    return deleted.error();
  if (auto done = (*into)->put_bounds(stored(shard), {before, is.end}); !done)
    return done;
  if (auto committed = (*into)->commit(); !committed)
    return committed;
  bounds_[shard.value()].begin = before;
  return {};
}

result<std::shared_ptr<ports::record_batch>>
lmdb_changelog_copy::read(const ports::fetch_request& what) {
  auto found = store_->read(stored(what.source.partition), what.from,
                            what.bytes_max, what.source);
  if (!found)
    return found.error();
  // It was made for us, as something that may change.
  return std::const_pointer_cast<ports::record_batch>(*std::move(found));
}

result<void> lmdb_changelog_copy::look_up(ports::lookup& what) {
  return store_->look_up(stored(what.source.partition), what);
}

} // namespace freehold::bridges::log
