#include "bridges/kafka/kafka_log.hpp"

#include "bridges/kafka/group_member.hpp"
#include "bridges/kafka/lookup_service.hpp"
#include "bridges/kafka/partition_reader.hpp"
#include "bridges/kafka/record_deleter.hpp"
#include "bridges/kafka/shard_questions.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

namespace freehold::bridges::kafka {

using ports::commit_outcome;

namespace {

/// Until a member whose session is over has heard of it.
constexpr std::chrono::milliseconds membership_margin{1000};

std::vector<std::string> names_of(const ports::log_layout& layout) {
  std::vector<std::string> names;
  for (const auto& each : layout.topics)
    names.push_back(each.name);
  return names;
}

std::string changelog_of(const ports::log_layout& layout) {
  for (const auto& each : layout.topics)
    if (each.role == ports::topic_role::changelog)
      return each.name;
  return {};
}

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

std::vector<partition_index> as_list(const group_member::shards& which) {
  std::vector<partition_index> list;
  for (const std::uint32_t each : which)
    list.emplace_back(each);
  return list;
}

} // namespace

/// All of it but `start` and `stop` runs on one thread.
class kafka_log::core {
public:
  core(const kafka_settings& how, const clock& time,
       const ports::log_layout& layout, ports::log_listener& listener)
      : how_(how),
        time_(time),
        layout_(layout),
        names_(names_of(layout)),
        listener_(listener),
        units_(how, how.application + "-" + how.node_id, names_),
        outside_(how, how.application + "-" + how.node_id + "-outside", names_),
        questions_(how, changelog_of(layout)),
        lookups_(how, names_,
                 [this](auto what, auto outcome, bool all_kept) {
                   auto tell = [this, what = std::move(what),
                                outcome = std::move(outcome)]() mutable {
                     listener_.looked_up(std::move(what), std::move(outcome));
                   };
                   if (all_kept)
                     home_.post(std::move(tell));
                   else
                     when_membership_is_sure(std::move(tell));
                 }),
        reader_(how, home_, names_,
                [this](const auto& what, auto found) {
                  fetched(what, std::move(found));
                }),
        deleter_(how, home_, names_,
                 [this](topic_partition target) {
                   let_go(target.partition.value());
                 }),
        member_(how, home_,
                {[this](const auto& which) { assigned(which); },
                 [this](const auto& which) { to_release(which); },
                 [this](const auto& which) { lost(which); },
                 [this](const error& why) { listener_.broken(why); }}) {
    for (std::uint32_t t = 0; t < layout.topics.size(); ++t)
      if (layout.topics[t].role == ports::topic_role::changelog)
        changelog_ = topic_index{t};
  }

  result<void> start() {
    for (auto started : {questions_.start(), lookups_.start(), reader_.start(),
                         deleter_.start()})
      if (!started)
        return started;
    // Nobody joins before its producer has fenced the life before.
    units_.begin_anew([this] {
      home_.post([this] {
        if (auto joined = member_.start(); !joined)
          listener_.broken(joined.error());
      });
    });
    outside_.begin_anew([] {});
    return {};
  }

  void stop() {
    // Producers may wait for an answer of the own thread: that one stops after.
    questions_.stop();
    lookups_.stop();
    units_.stop();
    outside_.stop();
    home_.stop();
    reader_.stop();
    deleter_.stop();
    member_.stop();
  }

  template <class Work>
  void post(Work work) {
    home_.post(std::move(work));
  }

  // -- calls -----------------------------------------------------------------

  void fetch(const ports::fetch_request& what) {
    if (!exists(what.source))
      return listener_.fetch_failed(what.source, what.from,
                                    not_in_layout(what.source));
    reader_.fetch(what);
  }

  void cancel_fetch(topic_partition source) { reader_.cancel(source); }

  void look_up(std::shared_ptr<ports::lookup> what) {
    if (!exists(what->source)) {
      const topic_partition source = what->source;
      return listener_.looked_up(std::move(what), not_in_layout(source));
    }
    lookups_.look_up(std::move(what));
  }

  void commit(const std::shared_ptr<const ports::commit_unit>& unit) {
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

  void recover() {
    ++recoveries_wanted_;
    if (!is_committing_ && !is_recovering_)
      begin_recovery();
  }

  void produce(std::shared_ptr<const ports::produce_request> what,
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

  void truncate(topic_partition target, next_offset before) {
    if (!exists(target))
      return;
    const auto known = shards_.find(target.partition.value());
    if (known != shards_.end() && changelog_ == target.topic)
      known->second.begin = std::max(known->second.begin, before);
    deleter_.delete_before(target, before);
  }

  void release(const std::vector<partition_index>& shards) {
    for (const partition_index shard : shards) {
      const auto known = shards_.find(shard.value());
      if (known == shards_.end() || !holds(shard, known->second.epoch))
        continue;
      known->second.phase = shard_phase::released;
      forget_reading(shard.value());
      let_go(shard.value());
    }
  }

  transactional_producer& units() noexcept { return units_; }
  transactional_producer& outside() noexcept { return outside_; }

private:
  enum class shard_phase : std::uint8_t {
    taking,
    ours,
    /// The engine was asked to let it go.
    releasing,
    /// It has; records may still be deleted.
    released,
  };
  struct shard_entry {
    shard_phase phase = shard_phase::taking;
    shard_epoch epoch{0};
    /// Tells one taking from the next.
    std::uint64_t number = 0;
    /// The first offset of the changelog that we did not give up ourselves.
    next_offset begin{0};
  };

  [[nodiscard]] bool exists(topic_partition which) const {
    return which.topic.value() < layout_.topics.size()
           && which.partition.value()
                  < layout_.topics[which.topic.value()].partition_count;
  }
  [[nodiscard]] bool holds(partition_index shard, shard_epoch epoch) const {
    const auto known = shards_.find(shard.value());
    return known != shards_.end() && known->second.epoch == epoch
           && (known->second.phase == shard_phase::ours
               || known->second.phase == shard_phase::releasing);
  }

  /// Grows on this node with each grant, and from life to life as far as the
  /// clock does.
  shard_epoch next_epoch() {
    const auto now = static_cast<std::uint64_t>(time_.now().value());
    last_epoch_ = std::max(last_epoch_ + 1, now << 10U);
    return shard_epoch{last_epoch_};
  }

  // -- ownership -------------------------------------------------------------

  void assigned(const group_member::shards& which) {
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

  void taken(std::uint64_t number, const shard_questions::all_bounds& found) {
    std::vector<ports::shard_grant> grants;
    for (const auto& [shard, bounds] : found) {
      const auto known = shards_.find(shard);
      if (known == shards_.end() || known->second.number != number
          || known->second.phase != shard_phase::taking)
        continue;
      auto& entry = known->second;
      entry.phase = shard_phase::ours;
      entry.begin = bounds.begin;
      entry.epoch = next_epoch();
      grants.push_back(
          {partition_index{shard}, entry.epoch, bounds.begin, bounds.end});
    }
    if (!grants.empty())
      listener_.granted(std::move(grants));
  }

  void to_release(const group_member::shards& which) {
    group_member::shards at_once;
    group_member::shards asked;
    for (const std::uint32_t shard : which) {
      const auto known = shards_.find(shard);
      if (known == shards_.end()
          || known->second.phase == shard_phase::taking) {
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

  /// DeleteRecords is not fenced: the next owner must not meet ours.
  void let_go(std::uint32_t shard) {
    const auto known = shards_.find(shard);
    if (known == shards_.end() || known->second.phase != shard_phase::released)
      return;
    for (std::uint32_t t = 0; t < layout_.topics.size(); ++t)
      if (!deleter_.is_idle({topic_index{t}, partition_index{shard}}))
        return;
    shards_.erase(known);
    member_.released({shard});
  }

  void lost(const group_member::shards& which) {
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

  void forget_reading(std::uint32_t shard) {
    for (std::uint32_t t = 0; t < layout_.topics.size(); ++t) {
      if (layout_.topics[t].role == ports::topic_role::output)
        continue;
      const topic_partition which{topic_index{t}, partition_index{shard}};
      reader_.cancel(which);
      reader_.forget(which);
      deleter_.forget(which);
    }
  }

  // -- reading ---------------------------------------------------------------

  void fetched(const ports::fetch_request& what,
               result<ports::record_batch_ptr> found) {
    if (found)
      return listener_.fetched(what.from, *std::move(found));
    if (found.error().code != errc::not_found)
      return listener_.fetch_failed(what.source, what.from, found.error());
    // Whoever has lost its shard without knowing it reads what the new owner
    // has deleted; an owner before us may have deleted, too, what we were about
    // to restore.
    questions_.begin_of(names_[what.source.topic.value()],
                        what.source.partition.value(),
                        [this, what, why = found.error()](next_offset begin) {
                          home_.post([this, what, why, begin] {
                            out_of_range(what, why, begin);
                          });
                        });
  }

  void out_of_range(const ports::fetch_request& what, const error& why,
                    next_offset begin) {
    const std::uint32_t shard = what.source.partition.value();
    const auto known = shards_.find(shard);
    const bool retakes =
        changelog_ == what.source.topic && known != shards_.end()
        && known->second.phase == shard_phase::ours
        && what.from >= known->second.begin && what.from < begin;
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

  /// Whoever was no member all that time has been told so by then: a node that
  /// stood still does not take what others have deleted for a loss.
  template <class Work>
  void when_membership_is_sure(Work work) {
    home_.post_after(how_.session_timeout + membership_margin, std::move(work));
  }

  /// What we have written ourselves is not overlooked.
  /// @param places  where it lies, as far as that is known
  void appended(const ports::unit_part& what,
                const std::vector<std::int64_t>& places) {
    for (std::size_t i = 0; i < what.appends.size(); ++i)
      reader_.appended(what.appends[i].target,
                       i < places.size() ? after(record_offset{places[i]})
                                         : next_offset{0});
  }

  // -- writing ---------------------------------------------------------------

  [[nodiscard]] result<void> check(const ports::commit_unit& unit) const {
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

  using positions = result<std::optional<offsets_to_send>>;

  /// On the producer's thread.
  positions
  offsets_from_home(const std::shared_ptr<const ports::commit_unit>& unit) {
    const auto asked = std::make_shared<std::promise<positions>>();
    auto answer = asked->get_future();
    home_.post([this, unit, asked] { asked->set_value(offsets_of(*unit)); });
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return error{errc::stopped, "the log was stopped"};
    }
  }

  /// In the same step in which the generation is read: what was lost with an
  /// older one must not be written under this one.
  positions offsets_of(const ports::commit_unit& unit) {
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
        add(names_[source.topic.value()], source.partition.value(),
            next.value());
    }
    all.group = member_.identity();
    return std::optional{std::move(all)};
  }

  void committed(const ports::commit_unit& unit,
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
    for (std::size_t p = 0; p < unit.parts.size(); ++p)
      appended(*unit.parts[p], p < how.places.size()
                                   ? how.places[p]
                                   : std::vector<std::int64_t>{});
    listener_.committed(std::move(told));
  }

  void begin_recovery() {
    is_recovering_ = true;
    units_.begin_anew([this] { home_.post([this] { read_ends(); }); });
  }

  void read_ends() {
    group_member::shards held;
    std::map<std::uint32_t, shard_epoch> epochs;
    for (const auto& [shard, entry] : shards_)
      if (entry.phase == shard_phase::ours
          || entry.phase == shard_phase::releasing) {
        held.insert(shard);
        epochs[shard] = entry.epoch;
      }
    questions_.bounds_of(
        held, [this, epochs](shard_questions::all_bounds found) {
          home_.post([this, epochs, found] { recovered(epochs, found); });
        });
  }

  void recovered(const std::map<std::uint32_t, shard_epoch>& epochs,
                 const shard_questions::all_bounds& found) {
    recovery_needed_ = false;
    is_recovering_ = false;
    std::vector<ports::shard_grant> still_ours;
    for (const auto& [shard, bounds] : found)
      if (holds(partition_index{shard}, epochs.at(shard))) {
        shards_[shard].epoch = next_epoch();
        still_ours.push_back({partition_index{shard}, shards_[shard].epoch,
                              bounds.begin, bounds.end});
      }
    for (auto left = std::exchange(recoveries_wanted_, 0U); left > 0; --left)
      listener_.recovered(still_ours);
  }

  const kafka_settings how_;
  const clock& time_;
  const ports::log_layout layout_;
  const std::vector<std::string> names_;
  ports::log_listener& listener_;
  std::optional<topic_index> changelog_;

  std::map<std::uint32_t, shard_entry> shards_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_epoch_ = 0;
  bool is_committing_ = false;
  bool recovery_needed_ = false;
  bool is_recovering_ = false;
  std::uint32_t recoveries_wanted_ = 0;

  serial_thread home_;
  transactional_producer units_;
  transactional_producer outside_;
  shard_questions questions_;
  lookup_service lookups_;
  partition_reader reader_;
  record_deleter deleter_;
  group_member member_;
};

// -- the port ----------------------------------------------------------------

kafka_log::kafka_log(kafka_settings how, const clock& time)
    : how_(std::move(how)), time_(time) {}

kafka_log::~kafka_log() { stop(); }

result<void> kafka_log::start(const ports::log_layout& layout,
                              ports::log_listener& listener) {
  if (core_ || stopped_)
    return error{errc::invalid_argument, "a log is started once"};
  if (auto made = set_up_topics(how_, layout); !made)
    return made;
  auto made_core = std::make_unique<core>(how_, time_, layout, listener);
  if (auto started = made_core->start(); !started) {
    made_core->stop();
    return started;
  }
  core_ = std::move(made_core);
  return {};
}

void kafka_log::stop() {
  if (core_ && !std::exchange(stopped_, true))
    core_->stop();
  stopped_ = true;
}

void kafka_log::fetch(const ports::fetch_request& what) {
  if (core_)
    core_->post([on = core_.get(), what] { on->fetch(what); });
}

void kafka_log::cancel_fetch(topic_partition source) {
  if (core_)
    core_->post([on = core_.get(), source] { on->cancel_fetch(source); });
}

void kafka_log::look_up(std::shared_ptr<ports::lookup> what) {
  if (core_)
    core_->post([on = core_.get(), what = std::move(what)]() mutable {
      on->look_up(std::move(what));
    });
}

void kafka_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  if (core_)
    core_->post(
        [on = core_.get(), unit = std::move(unit)] { on->commit(unit); });
}

void kafka_log::recover() {
  if (core_)
    core_->post([on = core_.get()] { on->recover(); });
}

void kafka_log::produce(std::shared_ptr<const ports::produce_request> what,
                        std::function<void(ports::produce_result)> answer) {
  if (core_)
    core_->post([on = core_.get(), what = std::move(what),
                 answer = std::move(answer)]() mutable {
      on->produce(std::move(what), std::move(answer));
    });
}

void kafka_log::truncate(topic_partition target, next_offset before) {
  if (core_)
    core_->post(
        [on = core_.get(), target, before] { on->truncate(target, before); });
}

void kafka_log::release(const std::vector<partition_index>& shards) {
  if (core_)
    core_->post([on = core_.get(), shards] { on->release(shards); });
}

void kafka_log::plan_commit(planned_end how) {
  core_->post([on = core_.get(), how] { on->units().plan_end(how); });
}

void kafka_log::plan_produce(planned_end how) {
  core_->post([on = core_.get(), how] { on->outside().plan_end(how); });
}

} // namespace freehold::bridges::kafka
