#pragma once

#include "runtime/engine/entity_table.hpp"
#include "runtime/engine/worker.hpp"
#include "tests/testkit/manual_clock.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// What the tests of single parts of the engine stand on.
namespace freehold::engine_parts {

/// CAF's own scheduler gets one idle thread; nothing here runs on it.
class quiet_config : public caf::actor_system_config {
public:
  quiet_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
  }
};

/// An actor system, a clock and one worker that the test steps or starts.
struct one_worker {
  quiet_config config;
  caf::actor_system system{config};
  testkit::manual_clock time;
  engine::worker home{system, worker_index{0}, time};

  std::size_t run_ready() {
    std::size_t steps = 0;
    while (home.run_one())
      ++steps;
    return steps;
  }
};

/// An entity type that is nothing but memory for a `State`, and counts how
/// many of them live.
template <class State>
class memory_type final : public entity_type {
public:
  [[nodiscard]] const entity_traits& traits() const noexcept override {
    return traits_;
  }
  [[nodiscard]] bool takes(std::string_view) const noexcept override {
    return false;
  }
  [[nodiscard]] std::size_t state_size() const noexcept override {
    return sizeof(State);
  }
  [[nodiscard]] std::size_t state_alignment() const noexcept override {
    return alignof(State);
  }
  void construct(void* at) const override {
    std::construct_at(static_cast<State*>(at));
    ++alive;
  }
  void destroy(void* state) const noexcept override {
    std::destroy_at(static_cast<State*>(state));
    --alive;
  }
  [[nodiscard]] bool owns_memory() const noexcept override { return true; }
  [[nodiscard]] std::size_t heap_bytes(const void*) const override {
    return heap_bytes_each;
  }
  [[nodiscard]] std::string schema() const override { return {}; }
  void encode(const void*, std::string&) const override {}
  [[nodiscard]] result<std::unique_ptr<state_decoder>>
  decoder(std::string_view) const override {
    return error{errc::undecodable, "has no stored form"};
  }
  [[nodiscard]] std::string to_json(const void*) const override { return {}; }
  [[nodiscard]] handling handle(void*, std::uint64_t, const incoming&,
                                effect_sink&) const noexcept override {
    return {};
  }
  result<void> replay(void*, std::string_view, std::uint32_t,
                      std::string_view) const override {
    return {};
  }

  mutable std::int64_t alive = 0;
  /// What every state says that it has besides itself.
  std::size_t heap_bytes_each = 0;

private:
  entity_traits traits_{.type = "memory"};
};

/// An owner of cells that only counts what reaches it.
class counting_owner final : public engine::cell_owner {
public:
  explicit counting_owner(engine::worker& home) : home_(home) {}

  engine::worker& home() noexcept override { return home_; }
  void arrived(engine::entity_cell&, engine::taken_message&) override {
    ++arrivals;
  }
  void asked(engine::entity_cell&, const caf::strong_actor_ptr&,
             caf::message_id) override {
    ++questions;
  }
  void ended(engine::entity_cell&) override { ++ends; }

  int arrivals = 0;
  int questions = 0;
  int ends = 0;

private:
  engine::worker& home_;
};

} // namespace freehold::engine_parts
