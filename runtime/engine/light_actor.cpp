#include "runtime/engine/light_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/sec.hpp>

#include <utility>

namespace freehold::engine {

namespace {

std::atomic<std::uint64_t> refused{0};

bool is_ordinary(const caf::mailbox_element& what) {
  if (what.mid.is_response() || what.is_high_priority())
    return false;
  const auto& content = const_cast<caf::mailbox_element&>(what).content();
  return !content.match_elements<caf::exit_msg>()
         && !content.match_elements<caf::down_msg>();
}

/// Answers a request with that error. CAF's own `bounce` says
/// `request_receiver_down` whatever error it is given.
void refuse(const caf::mailbox_element& what, caf::error why) {
  if (what.sender != nullptr && what.mid.is_request())
    what.sender->enqueue(nullptr, what.mid.response_id(),
                         caf::make_message(std::move(why)), nullptr);
}

} // namespace

std::uint64_t light_actor::refused_count() noexcept { return refused.load(); }

void light_actor::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  if (!home().is_current()) {
    const auto waiting = waiting_.fetch_add(1, std::memory_order_relaxed);
    if (waiting >= mailbox_depth_max && is_ordinary(*what)) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      refused.fetch_add(1, std::memory_order_relaxed);
      refuse(*what, caf::make_error(caf::sec::runtime_error, "mailbox full"));
      return;
    }
    home().post(ctrl(), std::move(what));
    return;
  }
  waiting_.fetch_add(1, std::memory_order_relaxed);
  push(what.release());
}

void light_actor::deliver_handed_over(caf::mailbox_element_ptr what) {
  push(what.release());
}

void light_actor::push(caf::mailbox_element* what) noexcept {
  if (tail_ == nullptr) {
    what->next = what;
  } else {
    what->next = tail_->next;
    tail_->next = what;
  }
  tail_ = what;
  if (!queued_) {
    queued_ = true;
    intrusive_ptr_add_ref_impl();
    home().exec_later(this);
  }
}

caf::mailbox_element_ptr light_actor::pop() noexcept {
  if (tail_ == nullptr)
    return nullptr;
  auto* head = static_cast<caf::mailbox_element*>(tail_->next);
  if (head == tail_)
    tail_ = nullptr;
  else
    tail_->next = head->next;
  head->next = nullptr;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return caf::mailbox_element_ptr{head};
}

caf::resumable::resume_result light_actor::resume(caf::execution_unit* host,
                                                  std::size_t max) {
  for (std::size_t handled = 0; handled < max; ++handled) {
    auto what = pop();
    if (what == nullptr) {
      queued_ = false;
      return awaiting_message;
    }
    if (getf(is_cleaned_up_flag)) {
      bounce(what);
      continue;
    }
    try {
      auto on_down = [this](caf::down_msg& down) { handle_down(down); };
      if (handle(*what))
        continue;
      if (handle_system_message(*what, host, false, on_down)) {
        if (getf(is_cleaned_up_flag))
          finish(fail_state());
        continue;
      }
      refuse(*what, caf::sec::unexpected_message);
    } catch (const std::exception& thrown) {
      // The one place where an exception of engine code ends: the actor goes
      // down and its supervisor hears why.
      quit(
          caf::make_error(caf::sec::runtime_error, std::string{thrown.what()}));
    }
    if (getf(is_cleaned_up_flag))
      finish(fail_state());
  }
  return resume_later;
}

void light_actor::quit(caf::error reason) {
  cleanup(std::move(reason), &home());
}

void light_actor::finish(const caf::error& reason) { terminated(reason); }

void light_actor::on_destroy() {
  while (auto what = pop())
    bounce(what);
  if (!getf(is_cleaned_up_flag))
    cleanup(caf::exit_reason::unreachable, nullptr);
}

void light_actor::intrusive_ptr_add_ref_impl() {
  caf::intrusive_ptr_add_ref(caf::actor_control_block::from(this));
}

void light_actor::intrusive_ptr_release_impl() {
  caf::intrusive_ptr_release(caf::actor_control_block::from(this));
}

} // namespace freehold::engine
