#pragma once

#include "actors/market_settings.hpp"
#include "actors/messages/neighborhood_messages.hpp"
#include "actors/window_results.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <cstdint>
#include <string_view>

namespace freehold::market {

struct market_sale {
  static constexpr std::string_view type = "MarketSale";
  timestamp sold_at;
  std::int64_t cents = 0;
  std::int64_t grace_ms = 0;
};
BOOST_DESCRIBE_STRUCT(market_sale, (), (sold_at, cents, grace_ms))

/// All neighborhoods together; its one key is `all`. Publishes the change of
/// each window of 30 days against the one before to `market-trends`. Sales
/// that count nowhere are the neighborhoods' to report.
struct market {
  static constexpr std::string_view key = "all";

  struct state {
    static constexpr std::string_view type = "MarketState";
    price_windows prices;
    sale_totals overall;
  };

  static constexpr entity_traits traits{.type = "market"};
  using settings = market_settings;
  using messages = message_list<sale_recorded, close_windows>;

  static void handle(const state& now, const sale_recorded& sale,
                     context<market>& ctx);
  static void handle(const state& now, const close_windows& message,
                     context<market>& ctx);

  static void apply(state& now, const market_sale& event) noexcept;
  static void apply(state& now, const windows_closed& event) noexcept;
};
BOOST_DESCRIBE_STRUCT(market::state, (), (prices, overall))

} // namespace freehold::market
