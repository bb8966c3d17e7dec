#include "runtime/engine/shard_actor.hpp"

#include <stdexcept>
#include <utility>

namespace freehold::engine {

namespace {

/// A shard that cannot go on ends its actor with this; its supervisor decides.
class shard_stopped : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace

shard_actor::shard_actor(
    caf::actor_config& config, worker& home, const surroundings& around,
    partition_index index, ports::crash_slot& slot,
    const std::vector<ports::crash_ledger::suspect>& suspects,
    quarantine& alone, published_counters& published)
    : pinned_actor(config, home),
      around_(around),
      published_(published),
      shard_(std::make_shared<shard>(around.plan, index, *this, home.system(),
                                     slot, suspects, alone, around.budgets,
                                     published.values.totals())) {}

// NOLINTNEXTLINE(readability-function-size): one case per kind
bool shard_actor::handle(caf::mailbox_element& what) {
  auto& content = what.content();
  if (content.match_elements<messages::work_now>()) {
    continuing_ = false;
    shard_->work();
    return true;
  }
  if (content.match_elements<messages::fetched>()) {
    const auto& answer = content.get_as<messages::fetched>(0);
    shard_->fetched(answer.from, answer.batch);
    return true;
  }
  if (content.match_elements<messages::looked_up>()) {
    const auto& answer = content.get_as<messages::looked_up>(0);
    shard_->looked_up(answer.what, answer.why);
    return true;
  }
  if (content.match_elements<messages::close_unit>()) {
    const auto unit = content.get_as<messages::close_unit>(0).unit;
    if (auto part = shard_->close(unit))
      part_ready(unit, std::move(*part));
    return true;
  }
  if (content.match_elements<messages::unit_done>()) {
    shard_->committed(content.get_as<messages::unit_done>(0).changelog_offsets);
    publish_counters();
    return true;
  }
  if (content.match_elements<messages::undo_units>()) {
    shard_->undo();
    return true;
  }
  if (content.match_elements<messages::resume>()) {
    const auto& grant = content.get_as<messages::resume>(0).grant;
    if (shard_->current_state() != shard::state::unowned) {
      shard_->resume(grant);
    } else if (!std::exchange(heard_of_ownership_, true)) {
      shard_->grant(grant); // a shard that was restarted
      if (around_.who.is_revoked(shard_->index()))
        shard_->revoke(); // the one before ended without an answer
    }
    return true;
  }
  if (content.match_elements<messages::granted>()) {
    // Whatever was thought before: the log says so now.
    heard_of_ownership_ = true;
    if (shard_->current_state() != shard::state::unowned)
      shard_->lose();
    shard_->grant(content.get_as<messages::granted>(0).grant);
    return true;
  }
  if (content.match_elements<messages::revoked>()) {
    heard_of_ownership_ = true;
    if (around_.who.is_revoked(shard_->index())) // or it is answered by now
      shard_->revoke();
    return true;
  }
  if (content.match_elements<messages::lost>()) {
    heard_of_ownership_ = true;
    lose();
    return true;
  }
  if (content.match_elements<messages::fetch_failed>()) {
    const auto& failure = content.get_as<messages::fetch_failed>(0);
    shard_->fetch_failed(failure.source, failure.from, failure.why);
    return true;
  }
  if (content.match_elements<messages::stop_taking>()) {
    shard_->stop_taking();
    return true;
  }
  if (content.match_elements<messages::close_windows>()) {
    shard_->close_windows();
    return true;
  }
  if (content.match_elements<messages::probe>()) {
    last_probe_ = content.get_as<messages::probe>(0).number;
    // A shard that went to somebody else has nothing left to do here; one that
    // the log has not granted yet will have.
    if (heard_of_ownership_ && shard_->current_state() == shard::state::unowned)
      probed(true);
    else
      shard_->probe();
    return true;
  }
  if (content.match_elements<messages::run_here>()) {
    content.get_as<messages::run_here>(0).task();
    return true;
  }
  return false;
}

void shard_actor::terminated(const caf::error&) {
  // The entities end with their shard; who monitors them learns it.
  lose();
}

void shard_actor::lose() {
  shard_->lose();
  publish_counters(); // it has nothing any more
}

void shard_actor::fetch(const ports::fetch_request& what) {
  if (what.source.topic == around_.plan->changelog || published_.restoring)
    publish_counters(); // as it gets on with its changelog, or is through
  around_.log.fetch(what);
}

void shard_actor::cancel_fetch(topic_partition source) {
  around_.log.cancel_fetch(source);
}

void shard_actor::look_up(std::shared_ptr<ports::lookup> what) {
  around_.log.look_up(std::move(what));
}

void shard_actor::truncate(topic_partition target, next_offset before) {
  around_.log.truncate(target, before);
}

void shard_actor::close_wanted() {
  send(around_.who.group, messages::close_wanted{});
}

void shard_actor::continue_later() {
  if (std::exchange(continuing_, true))
    return;
  enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                    messages::work_now{}),
          &home());
}

void shard_actor::wake_at(timestamp due) {
  if (wake_at_ && *wake_at_ <= due)
    return; // it looks again when that one comes
  wake_at_ = due;
  home().at(due, [this, due, self = ctrl()] {
    if (wake_at_ == due)
      wake_at_.reset();
    continue_later();
  });
}

void shard_actor::part_ready(unit_id unit, std::shared_ptr<shard_unit> part) {
  publish_counters();
  send(around_.who.group,
       messages::part{shard_->index(), unit, std::move(part)});
}

void shard_actor::probed(bool idle) {
  publish_counters(); // who waits for this looks at them next
  send(around_.who.group, messages::probed{last_probe_, idle});
}

void shard_actor::released() {
  lose();
  around_.who.set_revoked(shard_->index(), false);
  around_.log.release({shard_->index()});
}

void shard_actor::undo_wanted() {
  send(around_.who.group, messages::undo_wanted{});
}

void shard_actor::acquit(const ports::crash_ledger::suspect& whom) {
  around_.ledger.acquit(whom);
}

bool shard_actor::wants_answers() const { return around_.listener != nullptr; }

void shard_actor::failed(const error& why) {
  send(around_.who.bridge, messages::shard_failed{shard_->index(), why});
  // The actor ends; its supervisor restarts it or stops the node.
  throw shard_stopped(to_string(why));
}

void shard_actor::answered(const std::vector<answer_notice>& notices) {
  if (around_.listener != nullptr)
    around_.listener->answered(notices);
}

void shard_actor::publish_counters() {
  const counters now = shard_->count();
  const std::lock_guard lock{published_.mutex};
  published_.values = now;
  shard_->tell_positions(published_.positions);
  published_.restoring = shard_->restoring();
}

} // namespace freehold::engine
