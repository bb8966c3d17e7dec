#pragma once

#include "runtime/ports/event_log.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::conformance {

// The layout that most cases use.
inline constexpr topic_index source_topic{0};
inline constexpr topic_index inbox_topic{1};
inline constexpr topic_index changelog_topic{2};
inline constexpr topic_index output_topic{3};

inline ports::log_layout make_layout(std::uint32_t shard_count = 2) {
  using ports::topic_role;
  return {{{"commands", shard_count, topic_role::source, {}},
           {"inbox", shard_count, topic_role::inbox, {}},
           {"changelog", shard_count, topic_role::changelog, {}},
           {"outputs", 3, topic_role::output, {}}},
          shard_count};
}

inline topic_partition at(topic_index topic, std::uint32_t partition) {
  return {topic, partition_index{partition}};
}

/// A part or a request that owns what it appends.
template <class Base>
class owning : public Base {
public:
  /// A null key or value is `std::nullopt`.
  owning& add(topic_partition target, std::optional<std::string> key,
              std::optional<std::string> value, std::int64_t time = 1000,
              std::string headers = {}) {
    this->appends.push_back({target, timestamp{time}, keep(std::move(key)),
                             keep(std::move(value)),
                             header_list{keep(std::move(headers))}});
    return *this;
  }

private:
  std::string_view keep(std::optional<std::string> text) {
    if (!text)
      return {};
    return texts_.emplace_back(*std::move(text));
  }

  std::deque<std::string> texts_;
};

using owning_part = owning<ports::unit_part>;
using owning_request = owning<ports::produce_request>;

/// Remembers all that a log tells and lets a test wait for it. The deadline
/// only turns a hang into a failure.
class recording_listener final : public ports::log_listener {
public:
  static constexpr std::chrono::seconds deadline{60};

  void granted(std::vector<ports::shard_grant> shards) override {
    tell([&] {
      for (const auto& each : shards)
        grants[each.shard] = each;
    });
  }
  void revoked(std::vector<partition_index> shards) override {
    tell([&] { revocations.push_back(std::move(shards)); });
  }
  void lost(std::vector<partition_index> shards) override {
    tell([&] { losses.push_back(std::move(shards)); });
  }
  void fetched(next_offset from, ports::record_batch_ptr batch) override {
    tell([&] {
      positions[batch->source] = from;
      batches[batch->source].push_back(std::move(batch));
    });
  }
  void fetch_failed(topic_partition source, next_offset, error why) override {
    tell([&] { failures[source].push_back(std::move(why)); });
  }
  void looked_up(std::shared_ptr<ports::lookup> what,
                 result<void> outcome) override {
    tell([&] { lookups.emplace_back(std::move(what), std::move(outcome)); });
  }
  void committed(ports::commit_result outcome) override {
    tell([&] { outcomes.push_back(std::move(outcome)); });
  }
  void recovered(std::vector<ports::shard_grant> shards) override {
    tell([&] {
      grants.clear();
      for (const auto& each : shards)
        grants[each.shard] = each;
      ++recovery_count;
    });
  }
  void broken(error why) override {
    tell([&] { breaks.push_back(std::move(why)); });
  }

  /// Waits until `condition`, which reads the members below, holds.
  void wait(const std::function<bool()>& condition) {
    std::unique_lock lock{gate_};
    if (!changed_.wait_for(lock, deadline, condition))
      throw std::runtime_error("the log did not answer in time");
  }
  /// Reads the members below.
  template <class Look>
  auto look(Look what) {
    const std::lock_guard lock{gate_};
    return what();
  }
  /// For what a test notes itself, in an answer to `produce`.
  void note(const std::function<void()>& what) {
    const std::lock_guard lock{gate_};
    what();
    ++event_count;
    changed_.notify_all();
  }

  /// How many calls of the log are in here now.
  [[nodiscard]] int calls_inside() const noexcept { return inside_; }
  /// Whether two ever were, which no log may let happen.
  [[nodiscard]] bool overlapped() const noexcept { return overlapped_; }

  std::map<partition_index, ports::shard_grant> grants;
  int recovery_count = 0;
  std::uint64_t event_count = 0;
  std::vector<std::vector<partition_index>> revocations;
  std::vector<std::vector<partition_index>> losses;
  std::map<topic_partition, std::deque<ports::record_batch_ptr>> batches;
  /// What the last answered fetch of a partition had asked for.
  std::map<topic_partition, next_offset> positions;
  std::map<topic_partition, std::deque<error>> failures;
  std::deque<std::pair<std::shared_ptr<ports::lookup>, result<void>>> lookups;
  std::deque<ports::commit_result> outcomes;
  std::deque<error> breaks;

private:
  /// One call of the log. Counts before it waits for the gate, or it could
  /// never meet another one.
  void tell(const std::function<void()>& what) {
    if (inside_.fetch_add(1) != 0)
      overlapped_ = true;
    note(what);
    inside_.fetch_sub(1);
  }

  std::mutex gate_;
  std::condition_variable changed_;
  std::atomic<int> inside_{0};
  std::atomic<bool> overlapped_{false};
};

/// A record as a value.
struct plain_record {
  std::int64_t offset = 0;
  std::int64_t time = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string headers;

  explicit plain_record(const record& from)
      : offset(from.offset.value()),
        time(from.time.value()),
        headers(from.headers.packed()) {
    if (from.key.data() != nullptr)
      key.emplace(from.key);
    if (from.value.data() != nullptr)
      value.emplace(from.value);
  }
};

/// One life of a node: a log with a listener, and calls that wait.
class log_life {
public:
  explicit log_life(std::unique_ptr<ports::event_log> made,
                    const ports::log_layout& layout = make_layout())
      : log(std::move(made)) {
    const auto started = log->start(layout, heard);
    if (!started)
      throw std::runtime_error(to_string(started.error()));
    heard.wait([&] { return heard.grants.size() == layout.shard_count; });
  }
  ~log_life() {
    log->stop();
    CHECK(!heard.overlapped());
  }

  [[nodiscard]] shard_epoch epoch(std::uint32_t shard) {
    return heard.look([&] { return heard.grants.at(partition_index{shard}); })
        .epoch;
  }
  [[nodiscard]] ports::shard_grant grant(std::uint32_t shard) {
    return heard.look([&] { return heard.grants.at(partition_index{shard}); });
  }

  /// A part of a shard under its present epoch.
  [[nodiscard]] std::shared_ptr<owning_part> part(std::uint32_t shard = 0) {
    auto made = std::make_shared<owning_part>();
    made->shard = partition_index{shard};
    made->epoch = epoch(shard);
    return made;
  }

  ports::commit_result
  commit(std::vector<std::shared_ptr<const ports::unit_part>> parts) {
    auto unit = std::make_shared<ports::commit_unit>();
    unit->id = unit_id{++last_unit_};
    unit->parts = std::move(parts);
    log->commit(unit);
    unit.reset();
    return outcome();
  }
  ports::commit_result outcome() {
    heard.wait([this] { return !heard.outcomes.empty(); });
    return heard.look([this] {
      auto first = std::move(heard.outcomes.front());
      heard.outcomes.pop_front();
      return first;
    });
  }
  /// Commits texts to one partition and insists on success.
  void append(topic_partition target, const std::vector<std::string>& values) {
    auto made = part();
    for (const std::string& each : values)
      made->add(target, "key", each);
    const auto result = commit({made});
    INFO(to_string(result.why));
    REQUIRE(result.outcome == ports::commit_outcome::done);
  }
  void recover() {
    const int before = heard.look([this] { return heard.recovery_count; });
    log->recover();
    heard.wait([&] { return heard.recovery_count > before; });
  }
  ports::produce_result produce(std::shared_ptr<const owning_request> what) {
    std::optional<ports::produce_result> answer;
    log->produce(std::move(what), [&](ports::produce_result given) {
      heard.note([&] { answer = std::move(given); });
    });
    heard.wait([&] { return answer.has_value(); });
    return *answer;
  }

  ports::record_batch_ptr await_batch(topic_partition source) {
    heard.wait([&] {
      return !heard.batches[source].empty() || !heard.failures[source].empty();
    });
    return heard.look([&]() -> ports::record_batch_ptr {
      if (!heard.failures[source].empty())
        throw std::runtime_error(to_string(heard.failures[source].front()));
      auto first = std::move(heard.batches[source].front());
      heard.batches[source].pop_front();
      return first;
    });
  }
  ports::record_batch_ptr fetch(topic_partition source, std::int64_t from,
                                std::uint32_t bytes_max = 1U << 20U) {
    log->fetch({source, next_offset{from}, bytes_max, ports::fetch_wait::no});
    return await_batch(source);
  }
  void park(topic_partition source, std::int64_t from) {
    log->fetch(
        {source, next_offset{from}, 1U << 20U, ports::fetch_wait::for_records});
  }
  /// Until others see what a partition has from there on: that a unit has
  /// succeeded may be known a moment before.
  void await_visible(topic_partition source, std::int64_t from = 0) {
    park(source, from);
    (void)await_batch(source);
  }
  /// The error of a fetch, or nothing where it was answered.
  std::optional<error> fetch_error(topic_partition source, std::int64_t from) {
    log->fetch({source, next_offset{from}, 1U << 20U, ports::fetch_wait::no});
    heard.wait([&] {
      return !heard.batches[source].empty() || !heard.failures[source].empty();
    });
    return heard.look([&]() -> std::optional<error> {
      if (heard.failures[source].empty()) {
        heard.batches[source].pop_front();
        return std::nullopt;
      }
      auto first = std::move(heard.failures[source].front());
      heard.failures[source].pop_front();
      return first;
    });
  }
  /// Truncates and waits until it has happened. A log may take its time, but
  /// not for ever while units are committed. @pre the position before is there
  void cut(topic_partition target, std::int64_t before) {
    log->truncate(target, next_offset{before});
    for (int i = 0; i < 1000; ++i) {
      append(at(output_topic, 2), {"tick"});
      if (fetch_error(target, before - 1))
        return;
    }
    throw std::runtime_error("the log does not truncate");
  }
  /// Everything of a partition from `from` on.
  std::vector<plain_record> read_all(topic_partition source,
                                     std::int64_t from = 0) {
    std::vector<plain_record> all;
    for (std::int64_t next = from;;) {
      const auto batch = fetch(source, next);
      for (const record& each : batch->records)
        all.emplace_back(each);
      next = batch->next.value();
      if (batch->next >= batch->end)
        return all;
    }
  }
  /// The position behind all that is there.
  std::int64_t end_of(topic_partition source) {
    for (std::int64_t next = 0;;) {
      const auto batch = fetch(source, next);
      next = batch->next.value();
      if (batch->next >= batch->end)
        return next;
    }
  }
  std::vector<std::string> values_of(topic_partition source) {
    std::vector<std::string> all;
    for (const auto& each : read_all(source))
      all.push_back(each.value.value_or("(null)"));
    return all;
  }

  recording_listener heard;
  std::unique_ptr<ports::event_log> log;

private:
  std::uint64_t last_unit_ = 0;
};

} // namespace freehold::conformance
