#include "bridges/kafka/copy_keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// How far back from its end the last record of a copy is looked for at first.
constexpr std::int64_t last_span = 64;

} // namespace

copy_keeper::copy_keeper(std::unique_ptr<ports::changelog_copy> copy,
                         topic_index changelog)
    : copy_(std::move(copy)), changelog_(changelog) {}

bool copy_keeper::has(partition_index shard, next_offset at) const {
  const auto known = shards_.find(shard.value());
  if (known == shards_.end() || known->second.failed)
    return false;
  const auto kept = copy_->bounds(shard);
  return at >= kept.begin && at < kept.end;
}

bool copy_keeper::done(partition_index shard, const result<void>& outcome) {
  if (outcome)
    return true;
  shards_[shard.value()].failed = true;
  spdlog::warn("the copy of shard {}'s changelog is not used any more: {}",
               shard.value(), to_string(outcome.error()));
  return false;
}

// -- taking a shard ----------------------------------------------------------

void copy_keeper::open(partition_index shard, next_offset begin,
                       next_offset end,
                       std::function<void(std::optional<last_record>)> then) {
  if (copy_ == nullptr)
    return then(std::nullopt);
  thread_.post([this, shard, begin, end, then = std::move(then)] {
    shards_[shard.value()] = {end, false};
    const auto kept = copy_->bounds(shard);
    if (kept.end >= begin && kept.end <= end) {
      if (!done(shard, copy_->truncate(shard, begin)))
        return then(std::nullopt);
      return then(last_of(shard));
    }
    if (kept.end > kept.begin)
      spdlog::info("the copy of shard {}'s changelog, offsets {} to {}, is "
                   "thrown away: the log has {} to {}",
                   shard.value(), kept.begin.value(), kept.end.value(),
                   begin.value(), end.value());
    done(shard, copy_->begin_anew(shard, begin));
    then(std::nullopt);
  });
}

std::optional<copy_keeper::last_record>
copy_keeper::last_of(partition_index shard) {
  const auto kept = copy_->bounds(shard);
  for (std::int64_t span = last_span;; span *= 8) {
    ports::fetch_request what;
    what.source = {changelog_, shard};
    what.from = std::max(kept.begin, next_offset{kept.end.value() - span});
    what.bytes_max = std::numeric_limits<std::uint32_t>::max();
    const auto read = copy_->read(what);
    if (!done(shard, read ? result<void>{} : result<void>{read.error()}))
      return std::nullopt;
    if (!(*read)->records.empty()) {
      const record& last = (*read)->records.back();
      return last_record{last.offset, std::string{last.value}};
    }
    if (what.from == kept.begin)
      return std::nullopt;
  }
}

void copy_keeper::discard(partition_index shard, next_offset begin) {
  thread_.post([this, shard, begin] {
    spdlog::warn("the copy of shard {}'s changelog is of another log, and is "
                 "thrown away",
                 shard.value());
    done(shard, copy_->begin_anew(shard, begin));
  });
}

void copy_keeper::expect(partition_index shard, next_offset end) {
  if (copy_ != nullptr)
    thread_.post([this, shard, end] { shards_[shard.value()].expected = end; });
}

// -- keeping it warm ---------------------------------------------------------

ports::changelog_copy::addition
copy_keeper::addition_of(const ports::unit_part& part,
                         const std::vector<std::int64_t>& places) const {
  ports::changelog_copy::addition made{part.shard, {}, next_offset{0}};
  for (std::size_t i = 0; i < part.appends.size(); ++i) {
    const ports::append& each = part.appends[i];
    if (each.target.topic != changelog_)
      continue;
    const record_offset at{places[i]};
    made.records.push_back({at, each.time, each.key, each.value, each.headers});
    made.end = after(at);
  }
  return made;
}

void copy_keeper::append(
    std::vector<std::shared_ptr<const ports::unit_part>> parts,
    std::vector<std::vector<std::int64_t>> places, std::function<void()> then) {
  if (copy_ == nullptr)
    return then();
  thread_.post([this, parts = std::move(parts), places = std::move(places),
                then = std::move(then)] {
    std::vector<ports::changelog_copy::addition> all;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      auto made = addition_of(*parts[p], places[p]);
      const auto& shard = shards_[made.shard.value()];
      const next_offset end = copy_->bounds(made.shard).end;
      // A fetch that waited at the log's end may have brought some of it.
      std::erase_if(made.records, [end](const record& each) {
        return after(each.offset) <= end;
      });
      if (!made.records.empty() && !shard.failed && end >= shard.expected)
        all.push_back(std::move(made));
    }
    if (!all.empty())
      if (const auto outcome = copy_->append(all); !outcome)
        for (const auto& each : all)
          done(each.shard, outcome);
    then();
  });
}

void copy_keeper::append(next_offset from, ports::record_batch_ptr what,
                         std::function<void()> then) {
  if (copy_ == nullptr)
    return then();
  thread_.post([this, from, what = std::move(what), then = std::move(then)] {
    const partition_index shard = what->source.partition;
    const auto known = shards_.find(shard.value());
    if (known != shards_.end() && !known->second.failed
        && copy_->bounds(shard).end == from && what->next > from) {
      const ports::changelog_copy::addition one{shard, what->records,
                                                what->next};
      done(shard, copy_->append({&one, 1}));
    }
    then();
  });
}

void copy_keeper::truncate(partition_index shard, next_offset before) {
  if (copy_ != nullptr)
    thread_.post([this, shard, before] {
      const auto known = shards_.find(shard.value());
      if (known != shards_.end() && !known->second.failed)
        done(shard, copy_->truncate(shard, before));
    });
}

// -- reading -----------------------------------------------------------------

void copy_keeper::read(
    const ports::fetch_request& what,
    std::function<void(std::shared_ptr<ports::record_batch>)> then) {
  if (copy_ == nullptr)
    return then(nullptr);
  thread_.post([this, what, then = std::move(then)] {
    if (!has(what.source.partition, what.from))
      return then(nullptr);
    auto found = copy_->read(what);
    if (!found) {
      done(what.source.partition, found.error());
      return then(nullptr);
    }
    then(*std::move(found));
  });
}

void copy_keeper::look_up(
    std::shared_ptr<ports::lookup> what,
    std::function<void(std::shared_ptr<ports::lookup>, bool)> then) {
  if (copy_ == nullptr)
    return then(std::move(what), false);
  thread_.post(
      [this, what = std::move(what), then = std::move(then)]() mutable {
        const partition_index shard = what->source.partition;
        const bool all_here =
            what->offsets.empty()
            || (has(shard, next_offset{what->offsets.front().value()})
                && has(shard, next_offset{what->offsets.back().value()}));
        // Where one turns out to be unreadable those before it were told
        // already: they come again from the log, as they are.
        const bool told = all_here && done(shard, copy_->look_up(*what));
        then(std::move(what), told);
      });
}

} // namespace freehold::bridges::kafka
