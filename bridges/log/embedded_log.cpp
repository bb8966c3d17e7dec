#include "bridges/log/embedded_log.hpp"

#include "bridges/log/durable_files.hpp"
#include "runtime/ports/log_layout.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace freehold::bridges::log {

using ports::commit_outcome;

namespace {

/// How often at the most retention and killed readers are looked after.
constexpr std::chrono::milliseconds maintenance_interval{1000};
/// How much produced records one transaction takes at the most.
constexpr std::size_t produced_bytes_max = 8U << 20U;
constexpr std::uint32_t batch_bytes_min = 1U << 10U;
/// Fills 4 pages of 4 KiB to the last byte; room for one pack of the engine's.
constexpr std::uint32_t changelog_batch_bytes = (16U << 10U) - 16;
constexpr std::uint32_t batch_bytes_limit = 16U << 20U;

} // namespace

// -- life --------------------------------------------------------------------

result<std::unique_ptr<embedded_log>>
embedded_log::open(embedded_log_options options) {
  if (options.clock == nullptr || options.batch_bytes < batch_bytes_min
      || options.batch_bytes > batch_bytes_limit
      || options.map_bytes_max < (std::uint64_t{1} << 20U))
    return error{errc::invalid_argument,
                 "an embedded log needs a clock, batches of 1 KiB to 16 MiB "
                 "and room for at least 1 MiB"};
  if (auto made = make_durable_directory(options.directory); !made)
    return made.error();
  auto lock = writer_lock::take(options.directory);
  if (!lock)
    return lock.error();
  auto store = lmdb_store::open({.directory = options.directory,
                                 .mode = store_mode::write,
                                 .fsync = options.fsync,
                                 .map_bytes_max = options.map_bytes_max});
  if (!store)
    return store.error();
  return std::unique_ptr<embedded_log>{new embedded_log{
      std::move(options), *std::move(lock), *std::move(store)}};
}

embedded_log::embedded_log(embedded_log_options options,
                           std::unique_ptr<writer_lock> lock,
                           std::shared_ptr<lmdb_store> store)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      store_(std::move(store)) {}

embedded_log::~embedded_log() { stop(); }

result<std::vector<std::uint32_t>>
embedded_log::make_topics(const ports::log_layout& layout) {
  auto stored = store_->topics();
  if (!stored)
    return stored.error();
  std::vector<std::uint32_t> numbers;
  auto begun = store_write::begin(*store_);
  if (!begun)
    return begun.error();
  store_write& transaction = **begun;
  auto count = static_cast<std::uint32_t>(stored->size());
  for (const ports::topic_spec& spec : layout.topics) {
    const auto found =
        std::find_if(stored->begin(), stored->end(), [&](const auto& each) {
          return each.spec.name == spec.name;
        });
    const bool fresh = found == stored->end();
    if (!fresh && found->spec.partition_count != spec.partition_count)
      return error{errc::mismatch,
                   "topic " + spec.name + " has "
                       + std::to_string(found->spec.partition_count)
                       + " partitions in " + options_.directory.string()
                       + " and " + std::to_string(spec.partition_count)
                       + " in the configuration: configure the former number, "
                         "or use another directory"};
    numbers.push_back(
        fresh ? count++ : static_cast<std::uint32_t>(found - stored->begin()));
    if (auto put = transaction.put_topic(numbers.back(), spec); !put)
      return put.error();
    for (std::uint32_t p = 0; fresh && p < spec.partition_count; ++p)
      if (auto put = transaction.put_bounds({numbers.back(), p}, {}); !put)
        return put.error();
  }
  auto epoch = transaction.next_epoch();
  if (!epoch)
    return epoch.error();
  if (auto committed = transaction.commit(); !committed)
    return committed.error();
  epoch_ = *epoch;
  return numbers;
}

result<void> embedded_log::start(const ports::log_layout& layout,
                                 ports::log_listener& listener) {
  const std::lock_guard stop_lock{stop_gate_};
  if (started_ || stopping_)
    return error{errc::invalid_argument, "a log is started once"};
  if (auto checked = ports::check_layout(layout); !checked)
    return checked;
  const auto numbers = make_topics(layout);
  if (!numbers)
    return numbers.error();
  const auto stored = store_->topics();
  if (!stored)
    return stored.error();
  writer_ = unit_writer{layout,
                        *numbers,
                        {options_.batch_bytes,
                         std::min(options_.batch_bytes, changelog_batch_bytes),
                         options_.record_bytes_max}};
  if (auto loaded = writer_.load(*stored); !loaded)
    return loaded;
  std::vector<fetch_service::topic_entry> topics;
  for (std::size_t t = 0; t < layout.topics.size(); ++t) {
    topics.push_back({(*numbers)[t], layout.topics[t].partition_count});
    if (layout.topics[t].role == ports::topic_role::changelog) {
      changelog_ = topic_index{static_cast<std::uint32_t>(t)};
      has_changelog_ = true;
    }
  }
  owned_shards_.assign(layout.shard_count, true);
  listener_ = &listener;
  fetches_.start(store_, std::move(topics),
                 [this](const auto& what) { tell(what); });
  {
    const std::lock_guard lock{gate_};
    started_ = true;
    tasks_.emplace_back(grant_task{});
  }
  thread_ = std::thread{[this] { run(); }};
  return {};
}

void embedded_log::stop() {
  const std::lock_guard stop_lock{stop_gate_};
  {
    const std::lock_guard lock{gate_};
    stopping_ = true;
    changed_.notify_one();
  }
  fetches_.stop();
  if (thread_.joinable())
    thread_.join();
  // Whatever waits is never answered; its memory goes now.
  tasks_.clear();
  listener_ = nullptr;
}

// -- calls -------------------------------------------------------------------

void embedded_log::hand_over(task what) {
  const std::lock_guard lock{gate_};
  if (stopping_ || !started_)
    return;
  tasks_.push_back(std::move(what));
  changed_.notify_one();
}

void embedded_log::fetch(const ports::fetch_request& what) {
  fetches_.submit(what);
}

void embedded_log::cancel_fetch(topic_partition source) {
  fetches_.cancel(source);
}

void embedded_log::look_up(std::shared_ptr<ports::lookup> what) {
  fetches_.submit(std::move(what));
}

void embedded_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  hand_over(commit_task{std::move(unit)});
}

void embedded_log::recover() { hand_over(recover_task{}); }

void embedded_log::produce(std::shared_ptr<const ports::produce_request> what,
                           std::function<void(ports::produce_result)> answer) {
  hand_over(produce_task{std::move(what), std::move(answer)});
}

void embedded_log::truncate(topic_partition target, next_offset before) {
  hand_over(truncate_task{target, before});
}

void embedded_log::release(const std::vector<partition_index>& shards) {
  hand_over(release_task{shards});
}

void embedded_log::tell(const std::function<void(ports::log_listener&)>& what) {
  const std::lock_guard lock{listener_gate_};
  what(*listener_);
}

// -- the writing thread ------------------------------------------------------

void embedded_log::run() {
  for (;;) {
    std::optional<task> next;
    {
      std::unique_lock lock{gate_};
      const auto something = [this] { return stopping_ || !tasks_.empty(); };
      // Idle: old batches go one transaction after the other, maintenance
      // comes by now and then.
      if (!something() && (maintenance_failed_ || !writer_.deletes_pending()))
        (void)changed_.wait_for(lock, maintenance_interval, something);
      if (stopping_)
        return;
      if (!tasks_.empty()) {
        next.emplace(std::move(tasks_.front()));
        tasks_.pop_front();
      }
    }
    if (next)
      std::visit([this](auto& what) { execute(what); }, *next);
    else
      maintain();
  }
}

void embedded_log::execute(grant_task&) {
  tell([this](ports::log_listener& listener) { listener.granted(grants()); });
}

std::vector<ports::shard_grant> embedded_log::grants() const {
  std::vector<ports::shard_grant> all;
  for (std::uint32_t s = 0; s < owned_shards_.size(); ++s) {
    if (!owned_shards_[s])
      continue;
    ports::shard_grant grant{partition_index{s}, shard_epoch{epoch_},
                             next_offset{0}, next_offset{0}};
    if (has_changelog_) {
      const topic_partition which{changelog_, partition_index{s}};
      grant.changelog_begin = writer_.wanted_from(which);
      grant.changelog_end = writer_.bounds(which).end;
    }
    all.push_back(grant);
  }
  return all;
}

result<void> embedded_log::check(const ports::commit_unit& unit) const {
  if (recovery_needed_)
    return error{errc::fenced,
                 "the unit before did not succeed: recover comes first"};
  for (const auto& part : unit.parts) {
    const std::uint32_t shard = part->shard.value();
    if (shard >= owned_shards_.size() || !owned_shards_[shard]
        || part->epoch != shard_epoch{epoch_})
      return error{errc::fenced,
                   "shard " + std::to_string(shard) + " at epoch "
                       + std::to_string(part->epoch.value())
                       + " is not owned any more; now it is epoch "
                       + std::to_string(epoch_)};
    if (auto checked = writer_.check(*part, true); !checked)
      return checked;
  }
  return {};
}

embedded_log::written
embedded_log::write(const std::function<result<void>(store_write&)>& fill) {
  const auto fault =
      options_.next_fault ? options_.next_fault() : store_fault::none;
  crash_point_.pass(crash_place::before_store_write);
  const auto failed = [this](error why) {
    writer_.undo();
    return written{commit_outcome::failed, std::move(why)};
  };
  if (auto mended = mend(); !mended)
    return failed(mended.error());
  if (fault == store_fault::fail)
    return failed({errc::unavailable, "a test let the commit fail"});
  auto begun = store_write::begin(*store_, epoch_);
  if (!begun)
    return failed(begun.error());
  const timestamp now = options_.clock->now();
  writer_.set_time(now);
  if (maintenance_due(now)) {
    last_maintenance_ = now;
    store_->drop_stale_readers();
    if (auto aged = age(**begun); !aged)
      return failed(aged.error());
  }
  if (auto filled = fill(**begun); !filled)
    return failed(filled.error());
  if (auto finished = writer_.finish(**begun); !finished)
    return failed(finished.error());
  crash_point_.pass(crash_place::before_store_commit);
  result<void> committed;
  if (fault != store_fault::unknown_lost)
    committed = (*begun)->commit();
  if (committed && fault != store_fault::none)
    committed = error{errc::outcome_unknown, "a test hid the outcome"};
  if (!committed) {
    store_in_doubt_ = true;
    writer_.undo();
    return {commit_outcome::unknown, committed.error()};
  }
  crash_point_.pass(crash_place::after_store_commit);
  maintenance_failed_ = false;
  fetches_.advanced(writer_.accept());
  return {};
}

void embedded_log::execute(commit_task& what) {
  ports::commit_result answer;
  answer.id = what.unit->id;
  /// Recovering would take the log away from the other writer in its turn.
  bool taken_over = false;
  if (auto checked = check(*what.unit); !checked) {
    answer.why = checked.error();
  } else {
    auto outcome = write([&](store_write& into) -> result<void> {
      for (const auto& part : what.unit->parts) {
        auto& offsets = answer.changelog_offsets.emplace_back();
        if (auto added = writer_.add(into, *part, &offsets); !added)
          return added;
        writer_.take_positions(*part);
      }
      return {};
    });
    taken_over = outcome.why.code == errc::fenced;
    answer.outcome = outcome.outcome;
    answer.why = std::move(outcome.why);
  }
  if (answer.outcome != commit_outcome::done) {
    answer.changelog_offsets.clear();
    recovery_needed_ = true;
  }
  // Nobody may find the log still holding the unit after its outcome.
  what.unit.reset();
  tell([&](ports::log_listener& listener) {
    const error why = answer.why;
    listener.committed(std::move(answer));
    if (why.code == errc::no_space || why.code == errc::corrupt || taken_over)
      listener.broken(why);
  });
}

void embedded_log::execute(produce_task& what) {
  std::vector<produce_task> some;
  std::size_t size = 0;
  const auto take = [&](produce_task& one) {
    for (const ports::append& each : one.what->appends)
      size += each.key.size() + each.value.size();
    some.push_back(std::move(one));
  };
  take(what);
  {
    // Those that wait behind it share its transaction and its fsync.
    const std::lock_guard lock{gate_};
    while (!tasks_.empty() && size < produced_bytes_max) {
      auto* const other = std::get_if<produce_task>(&tasks_.front());
      if (other == nullptr)
        break;
      take(*other);
      tasks_.pop_front();
    }
  }
  write_produced(std::move(some));
}

void embedded_log::write_produced(std::vector<produce_task> some) {
  std::vector<produce_task> good;
  for (produce_task& each : some) {
    if (auto checked = writer_.check(*each.what, false); !checked)
      each.answer({commit_outcome::failed, checked.error()});
    else
      good.push_back(std::move(each));
  }
  if (good.empty())
    return;
  const auto outcome = write([&](store_write& into) -> result<void> {
    for (const produce_task& each : good)
      if (auto added = writer_.add(into, *each.what, nullptr); !added)
        return added;
    return {};
  });
  for (const produce_task& each : good)
    each.answer({outcome.outcome, outcome.why});
}

void embedded_log::execute(recover_task&) {
  const auto fail = [this](const error& why) {
    tell([&](ports::log_listener& listener) { listener.broken(why); });
  };
  if (auto mended = mend(); !mended)
    return fail(mended.error());
  auto begun = store_write::begin(*store_, epoch_);
  if (!begun)
    return fail(begun.error());
  const auto epoch = (*begun)->next_epoch();
  if (!epoch)
    return fail(epoch.error());
  if (auto committed = (*begun)->commit(); !committed)
    return fail(committed.error());
  epoch_ = *epoch;
  recovery_needed_ = false;
  tell([this](ports::log_listener& listener) { listener.recovered(grants()); });
}

result<void> embedded_log::mend() {
  if (!store_in_doubt_)
    return {};
  if (auto reopened = store_->reopen(); !reopened)
    return reopened;
  const auto stored = store_->topics();
  if (!stored)
    return stored.error();
  if (auto loaded = writer_.load(*stored); !loaded)
    return loaded;
  store_in_doubt_ = false;
  fetches_.look_again();
  return {};
}

void embedded_log::execute(truncate_task& what) {
  if (writer_.exists(what.target))
    writer_.truncate(what.target, what.before);
}

void embedded_log::execute(release_task& what) {
  for (const partition_index shard : what.shards)
    if (shard.value() < owned_shards_.size())
      owned_shards_[shard.value()] = false;
}

bool embedded_log::maintenance_due(timestamp now) const {
  const std::int64_t passed = now.value() - last_maintenance_.value();
  // A clock that stepped back must not stop it for long.
  return passed < 0 || passed >= maintenance_interval.count();
}

result<void> embedded_log::age(store_write& within) {
  auto aged = writer_.age(within);
  for (const error& each : writer_.take_warnings())
    if (options_.warn)
      options_.warn(each);
  return aged;
}

void embedded_log::maintain() {
  maintenance_failed_ = true;
  const timestamp now = options_.clock->now();
  if (store_in_doubt_ || (!writer_.deletes_pending() && !maintenance_due(now)))
    return;
  auto begun = store_write::begin(*store_, epoch_);
  if (!begun)
    return;
  store_->drop_stale_readers();
  last_maintenance_ = now;
  writer_.set_time(now);
  // A failure shows at the next commit; nothing waits for this.
  if (!age(**begun))
    return writer_.undo();
  if (!writer_.deletes_pending()) {
    maintenance_failed_ = false;
    return;
  }
  if (!writer_.finish(**begun))
    return writer_.undo();
  if (!(*begun)->commit()) {
    store_in_doubt_ = true;
    return writer_.undo();
  }
  maintenance_failed_ = false;
  fetches_.advanced(writer_.accept());
}

} // namespace freehold::bridges::log
