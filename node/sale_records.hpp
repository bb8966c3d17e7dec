#pragma once

#include "node/csv_sales.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// How a sale of a file becomes records of the market's source.
namespace freehold::node {

enum class sale_form : std::uint8_t {
  /// ListProperty and RecordSale, with CloudEvents headers.
  commands,
  /// One event without headers, as other services write it.
  events,
};

/// What names a sale: `TIME/PROPERTY/NEIGHBORHOOD/CENTS`. The same for the
/// same sale in any file and at any time; columns that only describe the
/// property (area, year) do not count, so that mapping one more later does not
/// turn known sales into new ones. `/`, `#` and `%` within a part are
/// percent-encoded.
[[nodiscard]] std::string sale_identity(const sale_row& row);

/// The event ids of the two commands of a sale; its event has the latter.
/// `occurrence` tells sales apart that have the same identity: 1 for the first
/// in the file.
[[nodiscard]] std::string listing_id(std::string_view identity,
                                     std::uint32_t occurrence);
[[nodiscard]] std::string sale_id(std::string_view identity,
                                  std::uint32_t occurrence);

/// Sales on their way into the log, appended all together or not at all.
class sale_batch final : public ports::produce_request {
public:
  explicit sale_batch(sale_form form = sale_form::commands) : form_(form) {}

  /// Appends a ListProperty at the price of the sale, then its RecordSale, or
  /// the event; all have the sale's time. Errors: `invalid_argument` for
  /// values that no record can carry; nothing is appended then.
  result<void> add(const sale_row& row, std::string_view identity,
                   std::uint32_t occurrence);

  [[nodiscard]] std::uint64_t sale_count() const noexcept {
    return sale_count_;
  }

  /// Makes the appends. Nothing may be added after it.
  void seal(topic_index topic, std::uint32_t partition_count);

private:
  /// Sizes of what lies in `bytes_` one behind the other.
  struct part {
    timestamp time;
    std::size_t key = 0;
    std::size_t headers = 0;
    std::size_t value = 0;
  };
  void add_command(timestamp time, std::string_view key, std::string_view type,
                   std::string_view id, std::string_view value);
  void add_event(timestamp time, std::string_view key, std::string_view value);

  const sale_form form_;
  std::string bytes_;
  std::vector<part> parts_;
  std::uint64_t sale_count_ = 0;
};

} // namespace freehold::node
