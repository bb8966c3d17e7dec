#pragma once

#include "actors/market_settings.hpp"
#include "actors/messages/neighborhood_messages.hpp"
#include "actors/recent_sales.hpp"
#include "actors/sale_totals.hpp"
#include "actors/window_results.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace freehold::market {

/// A sale that counts, how far event time was, and the first words on it.
struct sale_counted {
  static constexpr std::string_view type = "SaleCounted";
  sale_recorded sale;
  timestamp watermark;
  judged_by how;
  said_word by_mean{};
  said_word by_unit_price{};
};
BOOST_DESCRIBE_STRUCT(sale_counted, (),
                      (sale, watermark, how, by_mean, by_unit_price))

struct sale_was_left_out {
  static constexpr std::string_view type = "SaleWasLeftOut";
};
BOOST_DESCRIBE_STRUCT(sale_was_left_out, (), ())

struct verdicts_settled {
  static constexpr std::string_view type = "VerdictsSettled";
  timestamp watermark;
  judged_by how;
};
BOOST_DESCRIBE_STRUCT(verdicts_settled, (), (watermark, how))

/// The sales of one neighborhood; its key is the ZIP code. Follows what the
/// properties tell it, so it has no journal. Publishes, by ZIP code:
///
/// | topic                  | what                                            |
/// |------------------------|-------------------------------------------------|
/// | `neighborhood-prices`  | each window of 30 days, when it closes          |
/// | `market-trends`        | its change from the window before               |
/// | `price-anomaly-alerts` | sales that are off, at once; revisions when a   |
/// |                        | later arrival changes the first rule's mind,    |
/// |                        | and when the last word on a sale is another     |
/// | `price-analyses`       | asking prices that changed                      |
/// | `market-late`          | sales that no result counts, and why            |
///
/// Tells a property's `valuation` of its sale with the last word on it.
struct neighborhood {
  struct state {
    static constexpr std::string_view type = "NeighborhoodState";
    static constexpr std::uint32_t version = 2;
    static constexpr std::array<std::string_view, 2> defaulted{"recent",
                                                               "left_out"};
    /// Version 1 kept all windows and closed none.
    static void upcast(std::uint32_t from, codec::dynamic_value& fields);

    price_windows prices;
    recent_sales recent;
    /// Of all sales that count.
    sale_totals overall;
    std::uint64_t left_out = 0;
  };

  static constexpr entity_traits traits{.type = "neighborhood"};
  using settings = market_settings;
  using messages = message_list<sale_recorded, price_changed, close_windows,
                                settle_verdicts>;

  static void handle(const state& now, const sale_recorded& sale,
                     context<neighborhood>& ctx);
  static void handle(const state& now, const price_changed& change,
                     context<neighborhood>& ctx);
  static void handle(const state& now, const close_windows& message,
                     context<neighborhood>& ctx);

  static void handle(const state& now, const settle_verdicts& message,
                     context<neighborhood>& ctx);

  static void apply(state& now, const sale_counted& event) noexcept;
  static void apply(state& now, const sale_was_left_out& event) noexcept;
  static void apply(state& now, const windows_closed& event) noexcept;
  static void apply(state& now, const verdicts_settled& event) noexcept;
};
BOOST_DESCRIBE_STRUCT(neighborhood::state, (),
                      (prices, recent, overall, left_out))

} // namespace freehold::market
