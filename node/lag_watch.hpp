#pragma once

#include "node/lag.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/engine/input_position.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
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
  /// Of the shards that are not served yet: which of them gets no further.
  [[nodiscard]] std::vector<finding>
  look_at_restores(const std::vector<engine::restore_position>& all,
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
  using standings = std::map<place, standing>;
  /// How long it has stood at that position, where it is time to say so.
  /// @param before  as of the last look
  /// @param now_known  takes what is to be known for the next
  [[nodiscard]] std::optional<std::chrono::milliseconds>
  stands_for(const standings& before, const place& where, next_offset position,
             timestamp now, standings& now_known) const;
  void look_for_standing(const std::vector<partition_lag>& all, timestamp now,
                         std::vector<finding>& into);

  const settings how_;
  bool was_behind_ = false;
  standings standing_;
  standings standing_restores_;
};

} // namespace freehold::node
