#pragma once

#include "actors/messages/neighborhood_messages.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace freehold::market {

/// Sums over a set of sales; adding one costs the same however many there
/// are. Integer cents, so that any order of addition gives the same.
struct sale_totals {
  std::uint64_t count = 0;
  std::int64_t total_cents = 0;
  /// Both 0 while `count` is.
  std::int64_t minimum_cents = 0;
  std::int64_t maximum_cents = 0;

  friend bool operator==(const sale_totals&, const sale_totals&) = default;
};
BOOST_DESCRIBE_STRUCT(sale_totals, (),
                      (count, total_cents, minimum_cents, maximum_cents))

/// The sales of one neighborhood; its key is the ZIP code. Follows what the
/// properties tell it and decides nothing, so it has no journal.
struct neighborhood {
  /// Windows are half-open, `[start, start + window_length)`, and aligned to
  /// 1970-01-01T00:00:00Z, also before it.
  static constexpr std::chrono::milliseconds window_length =
      std::chrono::days{30};
  /// Just under a century. The state is written as a whole in every commit that
  /// changes it: about 26 B for each window of 30 days with sales, so 31 kB at
  /// the bound; ten years are 3 kB. A sale that would open one more is a
  /// failure: whoever sends it has a broken clock.
  static constexpr std::size_t window_count_max = 1'200;

  struct state {
    static constexpr std::string_view type = "NeighborhoodState";

    /// By window start, in milliseconds since 1970.
    std::map<std::int64_t, sale_totals> windows;
    /// Of all sales.
    sale_totals overall;
  };

  static constexpr entity_traits traits{.type = "neighborhood"};
  using messages = message_list<sale_recorded>;
  using events = event_list<sale_recorded>;

  /// The start of the window that holds `at`.
  [[nodiscard]] static timestamp window_start(timestamp at) noexcept;

  static void handle(const state& now, const sale_recorded& sale,
                     context<neighborhood>& ctx);
  static void apply(state& now, const sale_recorded& sale) noexcept;
};
BOOST_DESCRIBE_STRUCT(neighborhood::state, (), (windows, overall))

} // namespace freehold::market
