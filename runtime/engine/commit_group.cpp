#include "runtime/engine/commit_group.hpp"

#include "runtime/base/assert.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::engine {

namespace {

/// Whether a unit was refused for what is in it: a fault of ours, which no
/// repetition mends.
bool is_ours(errc code) {
  return code == errc::invalid_argument || code == errc::limit_reached
         || code == errc::not_found || code == errc::mismatch
         || code == errc::corrupt;
}

} // namespace

commit_group::commit_group(caf::actor_config& config, worker& home,
                           const surroundings& around)
    : pinned_actor(config, home), around_(around) {}

void commit_group::to_all(auto message) {
  for (std::uint32_t i = 0; i < around_.who.shard_count(); ++i)
    send(around_.who.shard(partition_index{i}), message);
}

bool commit_group::handle(caf::mailbox_element& what) {
  auto& content = what.content();
  if (content.match_elements<messages::part>()) {
    take_part(content.get_as<messages::part>(0));
    return true;
  }
  if (content.match_elements<messages::tick>()) {
    schedule_tick();
    tick();
    return true;
  }
  if (content.match_elements<messages::close_wanted>()) {
    tick();
    return true;
  }
  if (content.match_elements<messages::committed>()) {
    outcome(content.get_as<messages::committed>(0).result);
    return true;
  }
  if (content.match_elements<messages::recovered>()) {
    recovered(content.get_as<messages::recovered>(0).grants);
    return true;
  }
  if (content.match_elements<messages::undo_wanted>()) {
    undo_wanted_ = true;
    // A shard that ended answers no close: there is no use in waiting.
    if (phase_ == phase::idle || phase_ == phase::collecting)
      recover();
    return true;
  }
  if (content.match_elements<messages::probed>()) {
    take_probe(content.get_as<messages::probed>(0));
    return true;
  }
  if (content.match_elements<messages::when_idle>()) {
    idle_waiters_.push_back(content.get_as<messages::when_idle>(0).tell);
    tick();
    return true;
  }
  if (content.match_elements<messages::close_windows>()) {
    to_all(messages::close_windows{});
    return true;
  }
  if (content.match_elements<messages::finish>()) {
    finishing_ = true;
    finish_waiters_.push_back(content.get_as<messages::finish>(0).tell);
    to_all(messages::stop_taking{});
    tick();
    return true;
  }
  return false;
}

void commit_group::schedule_tick() {
  const timestamp due{around_.time.now().value()
                      + around_.plan->options.commit_interval.count()};
  home().at(due, [self = ctrl()] { send(self, messages::tick{}); });
}

void commit_group::tick() {
  if (phase_ == phase::idle)
    collect();
  else
    close_again_ = true;
}

void commit_group::collect() {
  phase_ = phase::collecting;
  close_again_ = false;
  ++last_unit_;
  parts_.clear();
  parts_missing_ = around_.who.shard_count();
  to_all(messages::close_unit{unit_id{last_unit_}});
}

void commit_group::take_part(const messages::part& part) {
  if (phase_ != phase::collecting || part.unit.value() != last_unit_)
    return; // of a unit that was given up
  if (part.content != nullptr)
    parts_.push_back(part.content);
  if (--parts_missing_ == 0)
    all_parts_in();
}

void commit_group::all_parts_in() {
  if (undo_wanted_) {
    recover();
    return;
  }
  if (parts_.empty()) {
    nothing_to_commit();
    return;
  }
  phase_ = phase::committing;
  auto unit = std::make_shared<ports::commit_unit>();
  unit->id = unit_id{last_unit_};
  unit->parts.assign(parts_.begin(), parts_.end());
  around_.log.commit(std::move(unit));
}

void commit_group::outcome(const ports::commit_result& result) {
  if (phase_ != phase::committing || result.id.value() != last_unit_)
    return;
  if (result.outcome != ports::commit_outcome::done) {
    spdlog::warn("engine: unit {} {}: {}; undoing it", result.id.value(),
                 result.outcome == ports::commit_outcome::failed
                     ? "failed"
                     : "has an unknown outcome",
                 to_string(result.why));
    if (is_ours(result.why.code)) {
      // The same unit would be refused again and again.
      send(around_.who.bridge, messages::log_broken{result.why});
      return;
    }
    recover();
    return;
  }
  FREEHOLD_ASSERT(result.changelog_offsets.size() == parts_.size(),
                  "the log answers for every part");
  for (std::size_t i = 0; i < parts_.size(); ++i)
    send(around_.who.shard(parts_[i]->shard),
         messages::unit_done{result.changelog_offsets[i]});
  parts_.clear();
  if (undo_wanted_) {
    recover();
    return;
  }
  phase_ = phase::idle;
  if (close_again_ || finishing_)
    collect();
}

void commit_group::recover() {
  phase_ = phase::recovering;
  undo_wanted_ = false;
  close_again_ = false;
  probes_missing_ = 0;
  parts_.clear();
  to_all(messages::undo_units{});
  around_.log.recover();
}

void commit_group::recovered(const std::vector<ports::shard_grant>& grants) {
  if (phase_ != phase::recovering)
    return;
  for (const auto& grant : grants)
    send(around_.who.shard(grant.shard), messages::resume{grant});
  if (finishing_) // also a shard that was restarted meanwhile
    to_all(messages::stop_taking{});
  phase_ = phase::idle;
  if (undo_wanted_)
    recover();
  // Otherwise the next tick collects: a log that refuses every unit is asked
  // once per commit interval and not as fast as it can refuse.
}

void commit_group::nothing_to_commit() {
  phase_ = phase::idle;
  if (close_again_) {
    // Since a shard gave its empty part, something may have come.
    collect();
    return;
  }
  if (finishing_) {
    for (const auto& tell : std::exchange(finish_waiters_, {}))
      tell();
    return;
  }
  if (!idle_waiters_.empty() && probes_missing_ == 0) {
    probes_missing_ = around_.who.shard_count();
    all_idle_ = true;
    to_all(messages::probe{++last_probe_});
  }
}

void commit_group::take_probe(const messages::probed& answer) {
  if (probes_missing_ == 0 || answer.probe != last_probe_)
    return;
  all_idle_ = all_idle_ && answer.idle;
  if (--probes_missing_ > 0)
    return;
  if (!all_idle_)
    return; // the next tick asks again
  for (const auto& tell : std::exchange(idle_waiters_, {}))
    tell();
}

} // namespace freehold::engine
