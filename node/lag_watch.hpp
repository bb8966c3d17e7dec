#pragma once

#include "node/lag.hpp"
#include "runtime/base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace freehold::node {

/// What is to be said about a node's lag as time goes on: how much it is,
/// whether it is above a bound, and which shard stands still. One thread.
class lag_watch {
public:
  struct settings {
    /// Records in all of the node's partitions together.
    std::uint64_t warning_records = 10'000;
    /// How long a position may stand while there are records to take.
    std::chrono::milliseconds stuck_after{60'000};
  };
  struct finding {
    bool is_warning = false;
    std::string text;
  };

  explicit lag_watch(settings how) : how_(how) {}

  /// Of the partitions that are the node's now. Says nothing while there is no
  /// lag, except that it is over.
  [[nodiscard]] std::vector<finding> look(const std::vector<partition_lag>& all,
                                          timestamp now);

private:
  using place = std::pair<std::string, std::uint32_t>;
  struct standing {
    next_offset position{0};
    timestamp since;
    /// When it was said last; told again each time that it has lasted twice as
    /// long.
    std::chrono::milliseconds said{0};
  };
  void look_for_standing(const std::vector<partition_lag>& all, timestamp now,
                         std::vector<finding>& into);

  const settings how_;
  bool was_behind_ = false;
  std::map<place, standing> standing_;
};

} // namespace freehold::node
