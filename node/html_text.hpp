#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/ratio.hpp"
#include "actors/messages/utc_time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The small pieces of an HTML page. Text that comes from records passes
/// through `escaped`, and only so.
namespace freehold::node::html {

/// Safe as an element's content and between either kind of quotes. Control
/// characters, which HTML forbids, become U+FFFD.
[[nodiscard]] std::string escaped(std::string_view text);

/// ` name="value"`, escaped.
[[nodiscard]] std::string attribute(std::string_view name,
                                    std::string_view value);
[[nodiscard]] std::string attribute(std::string_view name, std::int64_t value);

/// `2,156 sales`, `1 sale`.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);
/// `$788,172`, to the nearest dollar, for tables; titles have the cents.
[[nodiscard]] std::string whole_dollars(market::money amount);
/// `2015-05-04`.
[[nodiscard]] std::string date(market::utc_time at);
/// `2014-05-10 to 2014-06-08`: the last day is inside of the window.
[[nodiscard]] std::string days(market::utc_time start, market::utc_time end);
/// `+1.6 %`, to the nearest tenth; the minus is a typographic one.
[[nodiscard]] std::string signed_percent(market::ratio of);

} // namespace freehold::node::html
