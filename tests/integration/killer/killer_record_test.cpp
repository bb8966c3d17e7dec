// A record whose handler kills the process: real processes die of it, on the
// embedded log and the ledger in a file, until it is recognised. The parent
// only forks and looks; everything with threads happens in the children.
#include "bridges/ledger/file_crash_ledger.hpp"
#include "bridges/log/embedded_log.hpp"
#include "bridges/log/embedded_log_reader.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/engine/engine.hpp"
#include "tests/conformance/temporary_directory.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <vector>

using namespace freehold;

namespace {

struct touch {
  static constexpr std::string_view type = "Touch";
  bool deadly = false;
};
BOOST_DESCRIBE_STRUCT(touch, (), (deadly))

struct victim {
  struct state {
    static constexpr std::string_view type = "victim-state";
    std::uint64_t touches = 0;
  };
  static constexpr entity_traits traits{.type = "victim"};
  using messages = message_list<touch>;
  static void handle(state& now, const touch& what, context<victim>& ctx) {
    ctx.publish_raw("touched", ctx.key(), "touched");
    ++now.touches;
    if (what.deadly)
      std::raise(SIGKILL);
  }
};
BOOST_DESCRIBE_STRUCT(victim::state, (), (touches))

std::shared_ptr<const engine::application_plan> make_plan() {
  application app{"killers"};
  app.entity<victim>();
  app.source(
      {.topic = "touches", .entity = "victim", .default_message = "Touch"});
  app.output({.topic = "touched"});
  engine::engine_options options;
  options.shard_count = 1;
  options.worker_count = 1;
  return engine::application_plan::make(app, options).value();
}

struct owned_request final : ports::produce_request {
  std::vector<std::string> values;
};

/// One life of the node: feeds the records once, then runs until idle.
/// Never returns.
[[noreturn]] void live(const std::filesystem::path& directory, bool feed) {
  const system_clock time;
  bridges::log::embedded_log_options where;
  where.directory = directory;
  where.clock = &time;
  auto log = bridges::log::embedded_log::open(where);
  auto ledger = bridges::ledger::file_crash_ledger::open(directory);
  if (!log || !ledger)
    ::_exit(2);
  const auto plan = make_plan();
  auto host = engine::engine::make(plan, {**log, time, ledger->get()}).value();
  if (!host->start())
    ::_exit(3);
  if (feed) {
    auto request = std::make_shared<owned_request>();
    request->values = {"{\"deadly\":false}", "{\"deadly\":true}",
                       "{\"deadly\":false}"};
    for (const std::string& value : request->values) {
      ports::append made;
      made.target = {plan->topic("touches").value(), partition_index{0}};
      made.key = "v";
      made.value = value;
      request->appends.push_back(made);
    }
    std::promise<ports::commit_outcome> told;
    (*log)->produce(request, [&told](const ports::produce_result& answer) {
      told.set_value(answer.outcome);
    });
    if (told.get_future().get() != ports::commit_outcome::done)
      ::_exit(4);
  }
  if (!host->wait_until_idle())
    ::_exit(5);
  if (!host->stop(std::chrono::seconds{30}))
    ::_exit(6);
  ::_exit(0);
}

/// How a life ended: a signal as a negative number, else the exit code.
int life(const std::filesystem::path& directory, bool feed) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    live(directory, feed);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> values(ports::log_reader& reader,
                                std::string_view topic, std::string& reason) {
  std::vector<std::string> found;
  const auto topics = reader.topics().value();
  for (std::uint32_t t = 0; t < topics.size(); ++t) {
    if (topics[t].spec.name != topic)
      continue;
    const auto batch = reader.read({topic_index{t}, partition_index{0}},
                                   topics[t].partitions[0].begin, 1U << 20U);
    REQUIRE(batch);
    for (const record& each : (*batch)->records) {
      found.emplace_back(each.value);
      reason = std::string{each.headers.find("dlq_reason").value_or("")};
    }
  }
  return found;
}

} // namespace

TEST_CASE("a record that killed the process three times is dead-lettered, and "
          "its neighbours are handled once",
          "[integration]") {
  const conformance::temporary_directory directory;
  CHECK(life(directory.path(), true) == -SIGKILL);
  CHECK(life(directory.path(), false) == -SIGKILL);
  CHECK(life(directory.path(), false) == -SIGKILL);
  CHECK(life(directory.path(), false) == 0);
  CHECK(life(directory.path(), false) == 0);
  auto reader = bridges::log::embedded_log_reader::open(directory.path());
  REQUIRE(reader);
  std::string reason;
  CHECK(values(**reader, "touched", reason).size() == 2);
  const auto letters = values(**reader, "dead-letter-events", reason);
  CHECK(letters == std::vector<std::string>{"{\"deadly\":true}"});
  CHECK(reason == "kills the process");
}
