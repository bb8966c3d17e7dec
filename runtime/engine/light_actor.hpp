#pragma once

#include "runtime/engine/worker.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/resumable.hpp>
#include <caf/system_messages.hpp>

#include <atomic>
#include <cstdint>

namespace freehold::engine {

/// The base of every actor of the engine: a CAF actor with a mailbox of one
/// pointer, pinned to its worker. It can be sent to, asked, monitored, linked
/// and named like any CAF actor; it has no `become` and no `request().then`.
///
/// Whoever sends, the home worker handles. This one `enqueue` is also the
/// place where mailboxes are bounded: beyond `mailbox_depth_max` waiting
/// elements an ordinary message is refused (a request gets
/// `caf::sec::runtime_error`, a plain send is dropped and counted); system
/// messages and responses pass always.
///
/// A handler that throws ends the actor with `caf::sec::runtime_error`; who
/// monitors it learns that, and its supervisor decides.
class light_actor : public caf::monitorable_actor, public caf::resumable {
public:
  /// Ordinary messages that may wait in one mailbox. The engine's own traffic
  /// stays far below it (credit); the bound is for senders from outside.
  static constexpr std::uint32_t mailbox_depth_max = 4096;

  explicit light_actor(caf::actor_config& config)
      : caf::monitorable_actor(config) {}

  // -- caf::abstract_actor ---------------------------------------------------

  void enqueue(caf::mailbox_element_ptr what,
               caf::execution_unit* host) override;
  void on_destroy() override;

  // -- caf::resumable --------------------------------------------------------

  resume_result resume(caf::execution_unit* host, std::size_t max) override;
  void intrusive_ptr_add_ref_impl() override;
  void intrusive_ptr_release_impl() override;

  /// Puts an element that was counted off-thread into the mailbox.
  /// @pre runs on the home worker
  void deliver_handed_over(caf::mailbox_element_ptr what);

  /// Messages refused by a full mailbox, over all actors of the process.
  static std::uint64_t refused_count() noexcept;

protected:
  /// The worker that this actor runs on, for its whole life.
  [[nodiscard]] virtual worker& home() noexcept = 0;

  /// Handles one message. False: not mine; a request gets
  /// `caf::sec::unexpected_message`.
  virtual bool handle(caf::mailbox_element& what) = 0;

  /// An actor that this one monitors has ended.
  virtual void handle_down(const caf::down_msg&) {}

  /// Called once on the home worker when the actor has ended by an exit
  /// message or a throwing handler, before queued messages are bounced.
  virtual void terminated(const caf::error&) {}

  /// Ends this actor. Only from within `handle`.
  void quit(caf::error reason);

  /// Answers the request in `what`, if it is one.
  template <class... Ts>
  void respond(const caf::mailbox_element& what, Ts&&... xs) {
    respond_to(what.sender, what.mid, std::forward<Ts>(xs)...);
  }

  template <class... Ts>
  void respond_to(const caf::strong_actor_ptr& sender, caf::message_id id,
                  Ts&&... xs) {
    if (sender != nullptr && id.is_request())
      sender->enqueue(caf::make_mailbox_element(ctrl(), id.response_id(), {},
                                                std::forward<Ts>(xs)...),
                      &home());
  }

  [[nodiscard]] caf::strong_actor_ptr ctrl() {
    return caf::strong_actor_ptr{caf::actor_control_block::from(this)};
  }

private:
  using node = caf::intrusive::singly_linked<caf::mailbox_element>;

  void push(caf::mailbox_element* what) noexcept;
  caf::mailbox_element_ptr pop() noexcept;
  void finish(const caf::error& reason);

  caf::mailbox_element* tail_ = nullptr; // circular: its next is the head
  std::atomic<std::uint32_t> waiting_{0};
  bool queued_ = false;
};

/// A light actor that knows its worker: shards, supervisors, bridges.
class pinned_actor : public light_actor {
public:
  pinned_actor(caf::actor_config& config, worker& home)
      : light_actor(config), home_(home) {}

protected:
  [[nodiscard]] worker& home() noexcept override { return home_; }

private:
  worker& home_;
};

} // namespace freehold::engine
