#include "bridges/kafka/log_core.hpp"

#include "runtime/ports/log_layout.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

// Its life, and whose the shards are. What is read and written is in
// log_core_records.cpp.

namespace freehold::bridges::kafka {

namespace {

std::string changelog_name(const ports::log_layout& layout) {
  const auto found = ports::changelog_of(layout);
  return found ? layout.topics[found->value()].name : std::string{};
}

/// Whether the log has that very record.
class record_check final : public ports::lookup {
public:
  record_check(topic_partition where, copy_keeper::last_record wanted)
      : wanted_(std::move(wanted)) {
    source = where;
    offsets = {wanted_.offset};
  }
  void found(const record& what) override {
    is_same = what.offset == wanted_.offset && what.value == wanted_.value;
  }
  bool is_same = false;

private:
  const copy_keeper::last_record wanted_;
};

std::string text_of(const group_member::shards& which) {
  std::string text;
  for (const std::uint32_t each : which)
    text.append(text.empty() ? "" : ", ").append(std::to_string(each));
  return text;
}

std::vector<partition_index> as_list(const group_member::shards& which) {
  std::vector<partition_index> list;
  for (const std::uint32_t each : which)
    list.emplace_back(each);
  return list;
}

} // namespace

log_core::log_core(const kafka_settings& how, const clock& time,
                   const ports::log_layout& layout,
                   ports::log_listener& listener,
                   std::unique_ptr<ports::changelog_copy> copy)
    : how_(how),
      time_(time),
      layout_(layout),
      names_(ports::names_of(layout)),
      listener_(listener),
      changelog_(ports::changelog_of(layout)),
      copy_(changelog_ ? std::move(copy) : nullptr,
            changelog_.value_or(topic_index{0})),
      units_(how, how.application + "-" + how.node_id, names_,
             [this](const error& why) { refused(why); }),
      outside_(how, how.application + "-" + how.node_id + "-outside", names_,
               [this](const error& why) { refused(why); }),
      questions_(how, layout, changelog_name(layout)),
      lookups_(how, names_),
      reader_(how, home_, layout_,
              [this](const auto& what, auto found) {
                fetched(what, std::move(found));
              }),
      deleter_(how, home_, names_,
               [this](topic_partition target, next_offset gone_before) {
                 if (changelog_ == target.topic)
                   copy_.truncate(target.partition, gone_before);
                 let_go(target.partition.value());
               }),
      member_(how, home_,
              {[this](const auto& which) { assigned(which); },
               [this](const auto& which) { to_release(which); },
               [this](const auto& which) { lost(which); },
               [this](const error& why) { listener_.broken(why); }}) {}

result<void> log_core::start() {
  for (auto started : {questions_.start(), lookups_.start(), reader_.start(),
                       deleter_.start()})
    if (!started)
      return started;
  // Nobody joins before its producer has fenced the life before.
  units_.begin_anew([this] {
    home_.post([this] {
      reader_.learn_topics();
      if (auto joined = member_.start(); !joined)
        listener_.broken(joined.error());
    });
  });
  outside_.begin_anew([] {});
  return {};
}

void log_core::refused(const error& why) {
  home_.post([this, why] { listener_.broken(why); });
}

void log_core::stop(bool leaves) {
  // Producers may wait for an answer of the own thread: that one stops after.
  questions_.stop();
  lookups_.stop();
  copy_.stop();
  units_.stop();
  outside_.stop();
  home_.stop();
  reader_.stop();
  deleter_.stop();
  member_.stop(leaves);
}

// -- ownership ---------------------------------------------------------------

bool log_core::holds(partition_index shard, shard_epoch epoch) const {
  const auto known = shards_.find(shard.value());
  return known != shards_.end() && known->second.epoch == epoch
         && (known->second.phase == shard_phase::ours
             || known->second.phase == shard_phase::releasing);
}

bool log_core::is_taking(std::uint32_t shard, std::uint64_t number) const {
  const auto known = shards_.find(shard);
  return known != shards_.end() && known->second.number == number
         && known->second.phase == shard_phase::taking;
}

shard_epoch log_core::next_epoch() {
  const auto now = static_cast<std::uint64_t>(time_.now().value());
  last_epoch_ = std::max(last_epoch_ + 1, now << 10U);
  return shard_epoch{last_epoch_};
}

void log_core::assigned(const group_member::shards& which) {
  spdlog::info("kafka: takes shards {}", text_of(which));
  const std::uint64_t number = ++last_number_;
  for (const std::uint32_t shard : which) {
    shards_[shard] = {};
    shards_[shard].number = number;
  }
  questions_.bounds_of(
      which, [this, number](shard_questions::all_bounds found) {
        home_.post([this, number, found] { taken(number, found); });
      });
}

void log_core::taken(std::uint64_t number,
                     const shard_questions::all_bounds& found) {
  std::vector<ports::shard_grant> grants;
  for (const auto& [shard, bounds] : found) {
    if (!is_taking(shard, number))
      continue;
    if (copy_.exists())
      open_copy(shard, number, bounds);
    else
      grants.push_back(make_ours(shard, shards_[shard], bounds));
  }
  if (!grants.empty())
    listener_.granted(std::move(grants));
}

ports::shard_grant log_core::make_ours(std::uint32_t shard, shard_entry& entry,
                                       const shard_questions::bounds& bounds) {
  spdlog::info("kafka: shard {} is ours, its changelog [{}, {})", shard,
               bounds.begin.value(), bounds.end.value());
  entry.phase = shard_phase::ours;
  entry.begin = bounds.begin;
  entry.epoch = next_epoch();
  return {partition_index{shard}, entry.epoch, bounds.begin, bounds.end,
          bounds.taken};
}

void log_core::to_release(const group_member::shards& which) {
  spdlog::info("kafka: lets shards {} go", text_of(which));
  group_member::shards at_once;
  group_member::shards asked;
  for (const std::uint32_t shard : which) {
    const auto known = shards_.find(shard);
    if (known == shards_.end() || known->second.phase == shard_phase::taking) {
      shards_.erase(shard);
      at_once.insert(shard);
    } else {
      known->second.phase = shard_phase::releasing;
      asked.insert(shard);
    }
  }
  if (!asked.empty())
    listener_.revoked(as_list(asked));
  // Not from within the member's own call.
  if (!at_once.empty())
    home_.post([this, at_once] { member_.released(at_once); });
}

void log_core::release(const std::vector<partition_index>& shards) {
  for (const partition_index shard : shards) {
    const auto known = shards_.find(shard.value());
    if (known == shards_.end() || !holds(shard, known->second.epoch))
      continue;
    known->second.phase = shard_phase::released;
    forget_reading(shard.value());
    let_go(shard.value());
  }
}

void log_core::let_go(std::uint32_t shard) {
  const auto known = shards_.find(shard);
  if (known == shards_.end() || known->second.phase != shard_phase::released)
    return;
  for (std::uint32_t t = 0; t < layout_.topics.size(); ++t)
    if (!deleter_.is_idle({topic_index{t}, partition_index{shard}}))
      return;
  shards_.erase(known);
  member_.released({shard});
}

void log_core::lost(const group_member::shards& which) {
  spdlog::warn("kafka: has lost shards {}", text_of(which));
  group_member::shards told;
  for (const std::uint32_t shard : which) {
    const auto known = shards_.find(shard);
    if (known == shards_.end())
      continue;
    if (known->second.phase == shard_phase::ours
        || known->second.phase == shard_phase::releasing)
      told.insert(shard);
    forget_reading(shard);
    shards_.erase(known);
  }
  if (!told.empty())
    listener_.lost(as_list(told));
}

void log_core::forget_reading(std::uint32_t shard) {
  copy_fetches_.erase(shard);
  for (std::uint32_t t = 0; t < layout_.topics.size(); ++t) {
    if (layout_.topics[t].role == ports::topic_role::output)
      continue;
    const topic_partition which{topic_index{t}, partition_index{shard}};
    reader_.cancel(which);
    reader_.forget(which);
    deleter_.forget(which);
  }
}

// -- the copy ----------------------------------------------------------------

void log_core::open_copy(std::uint32_t shard, std::uint64_t number,
                         const shard_questions::bounds& bounds) {
  copy_.open(partition_index{shard}, bounds.begin, bounds.end,
             [this, shard, number, bounds](const last_in_copy& last) {
               home_.post([this, shard, number, bounds, last] {
                 check_copy(shard, number, bounds, last);
               });
             });
}

void log_core::check_copy(std::uint32_t shard, std::uint64_t number,
                          const shard_questions::bounds& bounds,
                          const last_in_copy& last) {
  if (!is_taking(shard, number))
    return; // what it found is of an older taking
  if (!last)
    return copy_checked(shard, bounds);
  const topic_partition where{*changelog_, partition_index{shard}};
  auto check = std::make_shared<record_check>(where, *last);
  lookups_.look_up(
      check, [this, check, shard, number, bounds, last](auto outcome, bool) {
        home_.post([this, check, shard, number, bounds, last, outcome] {
          if (!outcome) {
            spdlog::info("{}; asking again", to_string(outcome.error()));
            return home_.post_after(ask_again_after, [=, this] {
              check_copy(shard, number, bounds, last);
            });
          }
          if (!is_taking(shard, number))
            return;
          if (!check->is_same)
            copy_.discard(partition_index{shard}, bounds.begin);
          copy_checked(shard, bounds);
        });
      });
}

void log_core::copy_checked(std::uint32_t shard,
                            const shard_questions::bounds& bounds) {
  listener_.granted({make_ours(shard, shards_[shard], bounds)});
}

void log_core::copy(const ports::commit_unit& unit,
                    const std::vector<std::vector<std::int64_t>>& places) {
  std::vector<std::shared_ptr<const ports::unit_part>> parts;
  std::vector<std::vector<std::int64_t>> places_of;
  for (std::size_t p = 0; p < unit.parts.size(); ++p)
    if (holds(unit.parts[p]->shard, unit.parts[p]->epoch)) {
      parts.push_back(unit.parts[p]);
      places_of.push_back(places[p]);
    }
  is_copying_ = true;
  copy_.append(std::move(parts), std::move(places_of), [this] {
    home_.post([this] {
      is_copying_ = false;
      if (const auto next = std::exchange(waiting_unit_, nullptr))
        commit(next);
    });
  });
}

} // namespace freehold::bridges::kafka
