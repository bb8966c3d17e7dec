// What is read and written.
#include "bridges/kafka/log_core.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>

namespace freehold::bridges::kafka {

using ports::commit_outcome;

namespace {

/// Until a member whose session is over has heard of it.
constexpr std::chrono::milliseconds membership_margin{1000};

error not_in_layout(topic_partition which) {
  return {errc::not_found, "topic " + std::to_string(which.topic.value())
                               + ", partition "
                               + std::to_string(which.partition.value())
                               + " is not in the layout"};
}

error no_longer_ours(partition_index shard, shard_epoch epoch) {
  return {errc::fenced, "shard " + std::to_string(shard.value()) + " at epoch "
                            + std::to_string(epoch.value())
                            + " is not owned any more"};
}

} // namespace

bool log_core::exists(topic_partition which) const {
  return which.topic.value() < layout_.topics.size()
         && which.partition.value()
                < layout_.topics[which.topic.value()].partition_count;
}

// -- reading -----------------------------------------------------------------

void log_core::fetch(const ports::fetch_request& what) {
  if (!exists(what.source))
    return listener_.fetch_failed(what.source, what.from,
                                  not_in_layout(what.source));
  if (!copy_.exists() || changelog_ != what.source.topic)
    return reader_.fetch(what);
  const std::uint32_t shard = what.source.partition.value();
  const std::uint64_t number = ++last_number_;
  copy_fetches_[shard] = number;
  copy_.read(what, [this, what, shard, number](auto found) {
    home_.post([this, what, shard, number, found = std::move(found)] {
      const auto asked = copy_fetches_.find(shard);
      if (asked == copy_fetches_.end() || asked->second != number)
        return; // withdrawn
      copy_fetches_.erase(asked);
      if (found == nullptr)
        return reader_.fetch(what);
      found->end = reader_.is_at_end(what.source, found->next)
                       ? found->next
                       : next_offset{found->next.value() + 1};
      listener_.fetched(what.from, found);
    });
  });
}

void log_core::cancel_fetch(topic_partition source) {
  if (changelog_ == source.topic)
    copy_fetches_.erase(source.partition.value());
  reader_.cancel(source);
}

void log_core::fetched(const ports::fetch_request& what,
                       result<ports::record_batch_ptr> found) {
  if (found && copy_.exists() && changelog_ == what.source.topic) {
    // What is to be served from the copy is in it by then.
    auto batch = *std::move(found);
    return copy_.append(what.from, batch, [this, what, batch] {
      home_.post([this, what, batch] { listener_.fetched(what.from, batch); });
    });
  }
  if (found)
    return listener_.fetched(what.from, *std::move(found));
  if (found.error().code != errc::not_found)
    return listener_.fetch_failed(what.source, what.from, found.error());
  // Whoever has lost its shard without knowing it reads what the new owner
  // has deleted; an owner before us may have deleted, too, what we were about
  // to restore.
  questions_.range_of(
      names_[what.source.topic.value()], what.source.partition.value(),
      [this, what, why = found.error()](auto kept) {
        home_.post([this, what, why, kept] { out_of_range(what, why, kept); });
      });
}

void log_core::out_of_range(const ports::fetch_request& what, const error& why,
                            const shard_questions::bounds& kept) {
  const std::uint32_t shard = what.source.partition.value();
  const auto known = shards_.find(shard);
  // librdkafka says it without a version, so that it may be of a position that
  // the partition has left (2.0.2, rd_kafka_offset_reset).
  if (what.from >= kept.begin && what.from <= kept.end
      && known != shards_.end()) {
    spdlog::info("{}; it is there, and read again", to_string(why));
    if (!reader_.is_asked(what.source))
      reader_.fetch(what);
    return;
  }
  const bool retakes = changelog_ == what.source.topic && known != shards_.end()
                       && known->second.phase == shard_phase::ours
                       && what.from >= known->second.begin
                       && what.from < kept.begin;
  if (retakes) {
    lost({shard});
    assigned({shard});
    return;
  }
  const std::uint64_t number =
      known == shards_.end() ? 0 : known->second.number;
  when_membership_is_sure([this, what, why, shard, number] {
    const auto now = shards_.find(shard);
    if ((now == shards_.end() ? 0 : now->second.number) == number)
      listener_.fetch_failed(what.source, what.from, why);
  });
}

void log_core::when_membership_is_sure(serial_thread::task work) {
  home_.post_after(how_.session_timeout + membership_margin, std::move(work));
}

void log_core::look_up(std::shared_ptr<ports::lookup> what) {
  if (!exists(what->source)) {
    const topic_partition source = what->source;
    return listener_.looked_up(std::move(what), not_in_layout(source));
  }
  if (!copy_.exists() || changelog_ != what->source.topic)
    return look_up_in_cluster(std::move(what));
  copy_.look_up(std::move(what), [this](auto asked, bool told) {
    home_.post([this, asked = std::move(asked), told]() mutable {
      if (told)
        listener_.looked_up(std::move(asked), {});
      else
        look_up_in_cluster(std::move(asked));
    });
  });
}

void log_core::look_up_in_cluster(std::shared_ptr<ports::lookup> what) {
  lookups_.look_up(what, [this, what](auto outcome, bool all_kept) {
    if (!outcome && outcome.error().code == errc::unavailable)
      return home_.post(
          [this, what, outcome] { look_up_again(what, outcome.error()); });
    auto tell = [this, what, outcome = std::move(outcome)] {
      listener_.looked_up(what, outcome);
    };
    if (all_kept)
      home_.post(std::move(tell));
    else
      when_membership_is_sure(std::move(tell));
  });
}

void log_core::look_up_again(const std::shared_ptr<ports::lookup>& what,
                             const error& why) {
  if (!shards_.contains(what->source.partition.value()))
    return listener_.looked_up(what, why); // it went elsewhere meanwhile
  spdlog::info("{}; asking again", to_string(why));
  home_.post_after(ask_again_after, [this, what] { look_up_in_cluster(what); });
}

// -- writing -----------------------------------------------------------------

void log_core::commit(const std::shared_ptr<const ports::commit_unit>& unit) {
  if (is_copying_) {
    // No more than one unit waits for the disk.
    waiting_unit_ = unit;
    return;
  }
  if (auto checked = check(*unit); !checked)
    return committed(*unit, {commit_outcome::failed, checked.error(), {}});
  is_committing_ = true;
  transactional_producer::transaction what;
  what.parts.assign(unit->parts.begin(), unit->parts.end());
  what.offsets = [this, unit] { return offsets_from_home(unit); };
  units_.run(std::move(what), [this, unit](auto how) {
    home_.post([this, unit, how = std::move(how)]() mutable {
      is_committing_ = false;
      committed(*unit, std::move(how));
      if (recoveries_wanted_ > 0)
        begin_recovery();
    });
  });
}

result<void> log_core::check(const ports::commit_unit& unit) const {
  if (recovery_needed_ || is_recovering_)
    return error{errc::fenced,
                 "the unit before did not succeed: recover comes first"};
  for (const auto& part : unit.parts) {
    if (!holds(part->shard, part->epoch))
      return no_longer_ours(part->shard, part->epoch);
    for (const ports::append& each : part->appends)
      if (!exists(each.target))
        return not_in_layout(each.target);
  }
  return {};
}

log_core::positions log_core::offsets_from_home(
    const std::shared_ptr<const ports::commit_unit>& unit) {
  const auto asked = std::make_shared<std::promise<positions>>();
  auto answer = asked->get_future();
  home_.post([this, unit, asked] { asked->set_value(offsets_of(*unit)); });
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return error{errc::stopped, "the log was stopped"};
  }
}

log_core::positions log_core::offsets_of(const ports::commit_unit& unit) {
  if (unit.parts.empty())
    return std::optional<offsets_to_send>{};
  offsets_to_send all{new_partitions(), nullptr};
  const auto add = [&all](const std::string& topic, std::uint32_t partition,
                          std::int64_t offset) {
    rd_kafka_topic_partition_list_add(all.offsets.get(), topic.c_str(),
                                      static_cast<std::int32_t>(partition))
        ->offset = offset;
  };
  const std::string of_shards = shards_topic(how_);
  for (const auto& part : unit.parts) {
    if (!holds(part->shard, part->epoch))
      return no_longer_ours(part->shard, part->epoch);
    add(of_shards, part->shard.value(), 0);
    for (const auto& [source, next] : part->positions)
      add(names_[source.topic.value()], source.partition.value(), next.value());
  }
  all.group = member_.identity();
  return std::optional{std::move(all)};
}

void log_core::committed(const ports::commit_unit& unit,
                         transactional_producer::outcome how) {
  ports::commit_result told;
  told.id = unit.id;
  told.outcome = how.how;
  told.why = std::move(how.why);
  if (how.how == commit_outcome::done)
    for (std::size_t p = 0; p < unit.parts.size(); ++p) {
      auto& offsets = told.changelog_offsets.emplace_back();
      const auto& appends = unit.parts[p]->appends;
      for (std::size_t i = 0; i < appends.size(); ++i)
        if (changelog_ == appends[i].target.topic)
          offsets.emplace_back(how.places[p][i]);
    }
  else
    recovery_needed_ = true;
  if (how.how == commit_outcome::done && copy_.exists())
    copy(unit, how.places);
  for (std::size_t p = 0; p < unit.parts.size(); ++p)
    appended(*unit.parts[p], p < how.places.size()
                                 ? how.places[p]
                                 : std::vector<std::int64_t>{});
  listener_.committed(std::move(told));
}

void log_core::appended(const ports::unit_part& what,
                        const std::vector<std::int64_t>& places) {
  for (std::size_t i = 0; i < what.appends.size(); ++i)
    reader_.appended(what.appends[i].target,
                     i < places.size() ? after(record_offset{places[i]})
                                       : next_offset{0});
}

void log_core::recover() {
  ++recoveries_wanted_;
  if (!is_committing_ && !is_recovering_)
    begin_recovery();
}

void log_core::begin_recovery() {
  is_recovering_ = true;
  units_.begin_anew([this] { home_.post([this] { read_ends(); }); });
}

void log_core::read_ends() {
  group_member::shards held;
  std::map<std::uint32_t, shard_epoch> epochs;
  for (const auto& [shard, entry] : shards_)
    if (entry.phase == shard_phase::ours
        || entry.phase == shard_phase::releasing) {
      held.insert(shard);
      epochs[shard] = entry.epoch;
    }
  questions_.bounds_of(held, [this, epochs](shard_questions::all_bounds found) {
    home_.post([this, epochs, found] { recovered(epochs, found); });
  });
}

void log_core::recovered(const std::map<std::uint32_t, shard_epoch>& epochs,
                         const shard_questions::all_bounds& found) {
  recovery_needed_ = false;
  is_recovering_ = false;
  std::vector<ports::shard_grant> still_ours;
  for (const auto& [shard, bounds] : found)
    if (holds(partition_index{shard}, epochs.at(shard))) {
      auto& entry = shards_[shard];
      entry.epoch = next_epoch();
      copy_.expect(partition_index{shard}, bounds.end);
      // What we gave up may be there still, and is deleted at any moment.
      still_ours.push_back({partition_index{shard}, entry.epoch,
                            std::max(bounds.begin, entry.begin), bounds.end,
                            bounds.taken});
    }
  for (auto left = std::exchange(recoveries_wanted_, 0U); left > 0; --left)
    listener_.recovered(still_ours);
}

void log_core::produce(std::shared_ptr<const ports::produce_request> what,
                       std::function<void(ports::produce_result)> answer) {
  for (const ports::append& each : what->appends) {
    if (!exists(each.target))
      return answer({commit_outcome::failed, not_in_layout(each.target)});
    if (changelog_ == each.target.topic)
      return answer({commit_outcome::failed,
                     {errc::invalid_argument,
                      "only a commit unit may write to the changelog"}});
  }
  transactional_producer::transaction all;
  all.parts.push_back(what);
  outside_.run(std::move(all), [this, what, answer = std::move(answer)](
                                   transactional_producer::outcome how) {
    if (how.how != commit_outcome::done)
      outside_.begin_anew([] {});
    home_.post([this, what, answer, how = std::move(how)]() mutable {
      appended(*what, how.places.empty() ? std::vector<std::int64_t>{}
                                         : how.places.front());
      answer({how.how, std::move(how.why)});
    });
  });
}

void log_core::truncate(topic_partition target, next_offset before) {
  if (!exists(target))
    return;
  const auto known = shards_.find(target.partition.value());
  if (known != shards_.end() && changelog_ == target.topic)
    known->second.begin = std::max(known->second.begin, before);
  deleter_.delete_before(target, before);
}

} // namespace freehold::bridges::kafka
