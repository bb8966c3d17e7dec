// Light actors on one stepped worker: the bound of their mailbox, how they end
// and what those hear who ask or watch them.
#include "runtime/engine/light_actor.hpp"
#include "tests/unit/runtime/engine/engine_parts.hpp"

#include <caf/actor_cast.hpp>
#include <caf/default_attachable.hpp>
#include <caf/make_actor.hpp>
#include <caf/sec.hpp>
#include <catch2/catch.hpp>

#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace freehold;
using namespace freehold::engine_parts;
using engine::light_actor;

namespace {

/// Notes numbers, answers numbers that are asked, throws at a text; notes
/// answers, errors and ends of others that reach it.
class noting_actor final : public engine::pinned_actor {
public:
  using pinned_actor::pinned_actor;
  [[nodiscard]] const char* name() const override { return "noting"; }

  std::vector<int> numbers;
  std::vector<caf::error> errors;
  std::vector<caf::error> downs;
  std::vector<caf::error> ends;
  std::vector<std::thread::id> threads;
  bool always_at_home = true;

protected:
  bool handle(caf::mailbox_element& what) override {
    always_at_home = always_at_home && home().is_current();
    threads.push_back(std::this_thread::get_id());
    auto& content = what.content();
    if (content.match_elements<int>()) {
      numbers.push_back(content.get_as<int>(0));
      respond(what, numbers.back() + 1);
      return true;
    }
    if (content.match_elements<caf::error>()) {
      errors.push_back(content.get_as<caf::error>(0));
      return true;
    }
    if (content.match_elements<std::string>())
      throw std::runtime_error(content.get_as<std::string>(0));
    return false;
  }
  void handle_down(const caf::down_msg& down) override {
    downs.push_back(down.reason);
  }
  void terminated(const caf::error& reason) override { ends.push_back(reason); }
};

struct actors : one_worker {
  caf::strong_actor_ptr make() {
    caf::actor_config actor_config;
    return caf::make_actor<noting_actor, caf::strong_actor_ptr>(
        system.next_actor_id(), system.node(), &system, actor_config, home);
  }
};

noting_actor& notes_of(const caf::strong_actor_ptr& actor) {
  return static_cast<noting_actor&>(*actor->get());
}

template <class T>
void tell(const caf::strong_actor_ptr& to, T&& what) {
  to->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                        std::forward<T>(what)),
              nullptr);
}

template <class T>
void ask(const caf::strong_actor_ptr& from, const caf::strong_actor_ptr& to,
         T&& what, std::uint64_t number = 1) {
  to->enqueue(caf::make_mailbox_element(from, caf::make_message_id(number), {},
                                        std::forward<T>(what)),
              nullptr);
}

void watch(const caf::strong_actor_ptr& observer,
           const caf::strong_actor_ptr& target) {
  target->get()->attach(caf::default_attachable::make_monitor(
      target->get()->address(), observer->get()->address()));
}

caf::exit_msg exit_by(const caf::strong_actor_ptr& whom) {
  return {whom->get()->address(), caf::exit_reason::kill};
}

} // namespace

TEST_CASE("a mailbox refuses the message beyond its depth and counts it",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto refused = light_actor::refused_count();
  constexpr auto depth = light_actor::mailbox_depth_max;
  for (std::uint32_t i = 0; i < depth; ++i)
    tell(actor, static_cast<int>(i));
  CHECK(light_actor::refused_count() == refused);
  tell(actor, -1);
  CHECK(light_actor::refused_count() == refused + 1);
  world.run_ready();
  const auto& numbers = notes_of(actor).numbers;
  REQUIRE(numbers.size() == depth);
  CHECK(numbers.back() == static_cast<int>(depth) - 1);
  // There is room again.
  tell(actor, -2);
  world.run_ready();
  CHECK(light_actor::refused_count() == refused + 1);
  CHECK(numbers.back() == -2);
}

TEST_CASE("a request to a full mailbox gets an error",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto asker = world.make();
  for (std::uint32_t i = 0; i < light_actor::mailbox_depth_max; ++i)
    tell(actor, 1);
  ask(asker, actor, 2);
  world.run_ready();
  REQUIRE(notes_of(asker).errors.size() == 1);
  CHECK(notes_of(asker).errors[0] == caf::sec::runtime_error);
  CHECK(notes_of(actor).numbers.size() == light_actor::mailbox_depth_max);
}

TEST_CASE("an exit message and an answer pass a full mailbox",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto refused = light_actor::refused_count();
  for (std::uint32_t i = 0; i < light_actor::mailbox_depth_max; ++i)
    tell(actor, 1);
  actor->enqueue(
      caf::make_mailbox_element(
          nullptr, caf::make_message_id(std::uint64_t{1}).response_id(), {}, 7),
      nullptr);
  tell(actor, exit_by(actor));
  world.run_ready();
  CHECK(light_actor::refused_count() == refused);
  REQUIRE_FALSE(notes_of(actor).numbers.empty());
  CHECK(notes_of(actor).numbers.back() == 7);
  REQUIRE(notes_of(actor).ends.size() == 1);
  CHECK(notes_of(actor).ends[0] == caf::exit_reason::kill);
}

TEST_CASE("a handler that throws ends the actor, and its watcher hears why",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto watcher = world.make();
  watch(watcher, actor);
  tell(actor, 1);
  tell(actor, std::string{"broken"});
  tell(actor, 2);
  world.run_ready();
  CHECK(notes_of(actor).numbers == std::vector<int>{1});
  REQUIRE(notes_of(actor).ends.size() == 1);
  CHECK(notes_of(actor).ends[0] == caf::sec::runtime_error);
  REQUIRE(notes_of(watcher).downs.size() == 1);
  CHECK(notes_of(watcher).downs[0] == caf::sec::runtime_error);
  CHECK_THAT(world.system.render(notes_of(watcher).downs[0]),
             Catch::Contains("broken"));
}

TEST_CASE("a request to an actor that has ended gets an error",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto asker = world.make();
  ask(asker, actor, std::string{"broken"}, 1);
  ask(asker, actor, 5, 2); // queued behind the end
  world.run_ready();
  const auto before = notes_of(asker).errors.size();
  CHECK(before >= 1);
  ask(asker, actor, 6, 3);
  world.run_ready();
  CHECK(notes_of(asker).errors.size() == before + 1);
  CHECK(notes_of(actor).numbers.empty());
  CHECK(notes_of(actor).ends.size() == 1);
}

TEST_CASE("a request that an actor does not know is an unexpected message",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  const auto asker = world.make();
  ask(asker, actor, 2.5);
  ask(asker, actor, 3, 2);
  world.run_ready();
  REQUIRE(notes_of(asker).errors.size() == 1);
  CHECK(notes_of(asker).errors[0] == caf::sec::unexpected_message);
  CHECK(notes_of(asker).numbers == std::vector<int>{4});
  CHECK(notes_of(actor).ends.empty());
}

TEST_CASE("an actor's messages are handled in order on its worker, whoever "
          "sends",
          "[runtime][light_actor]") {
  actors world;
  const auto actor = world.make();
  constexpr int each = 1000;
  std::promise<void> own_sent;
  world.home.start();
  std::vector<std::thread> outside;
  for (int s = 0; s < 2; ++s)
    outside.emplace_back([&actor, s] {
      for (int i = 0; i < each; ++i)
        tell(actor, s * each + i);
    });
  world.home.post([&] {
    for (int i = 0; i < each; ++i)
      tell(actor, 2 * each + i);
    own_sent.set_value();
  });
  for (auto& sender : outside)
    sender.join();
  own_sent.get_future().wait();
  world.home.stop();
  world.run_ready(); // what was left, on this thread
  const auto& notes = notes_of(actor);
  REQUIRE(notes.numbers.size() == 3 * each);
  CHECK(notes.always_at_home);
  int next[3] = {0, each, 2 * each};
  for (const int number : notes.numbers)
    REQUIRE(number == next[number / each]++);
}

TEST_CASE("draining destroys an actor with messages and answers its askers",
          "[runtime][light_actor]") {
  actors world;
  const auto asker = world.make();
  {
    const auto actor = world.make();
    ask(asker, actor, 1);
    tell(actor, 2);
  }
  world.home.drain();
  world.run_ready();
  CHECK(notes_of(asker).numbers.empty());
}
