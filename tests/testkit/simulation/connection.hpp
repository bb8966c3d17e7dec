#pragma once

#include "tests/testkit/simulation/simulated_kafka.hpp"

#include <string>
#include <vector>

namespace freehold::simulation {

/// The connections of one process to all brokers: to each one a lane of
/// requests and a lane of answers, in which nothing overtakes. Requests that
/// are on their way when the process dies may still arrive; answers do not.
/// Shared with the requests.
class connection {
public:
  connection(simulated_kafka& cluster, const std::string& whose);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// As whom its fetches wait at a broker.
  [[nodiscard]] std::uint64_t waiter() const noexcept { return waiter_; }

  /// Sends a request; `at_broker` runs when it arrives.
  void request(std::uint32_t broker, schedule::task at_broker);
  /// The same, on another way that takes that long: others overtake it.
  void request_late(std::uint32_t broker, moment by, schedule::task at_broker);
  /// From within a request at that broker; `at_node` runs when it arrives.
  void answer(std::uint32_t broker, schedule::task at_node);
  /// In the process itself, after that time.
  void after(moment delay, schedule::task at_node);

  /// Nothing passes between the process and the broker until then.
  void clog(std::uint32_t broker, moment until);
  /// The process stands still: nothing reaches it.
  void pause(moment until);
  void go_on();
  /// The process is gone.
  void close();

private:
  struct one_way {
    schedule::lane lane;
    /// When the last message in it arrives.
    moment last{0};
  };
  void send(one_way& by, schedule::task what);

  simulated_kafka& cluster_;
  const std::uint64_t waiter_;
  std::vector<one_way> requests_;
  std::vector<one_way> answers_;
  schedule::lane timers_;
};

} // namespace freehold::simulation
