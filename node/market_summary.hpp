#pragma once

#include "node/hosting.hpp"
#include "node/market_results.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace freehold::node {

/// What the market's analytics have come to, read from the states of its
/// neighborhoods.
struct market_figures {
  struct row {
    std::string neighborhood;
    std::uint64_t sales = 0;
    std::int64_t total_cents = 0;
  };
  /// The most sales first, then by name.
  std::vector<row> neighborhoods;
  std::uint64_t sales = 0;
  std::int64_t total_cents = 0;
  /// Sales of properties that follow a topic which has not named their
  /// neighborhood yet.
  std::uint64_t unplaced = 0;
  /// The journal of the properties.
  std::string journal;
  market_results results;
};

/// Errors: those of `changelog_view`.
[[nodiscard]] result<market_figures>
read_market(ports::log_reader& from,
            const std::shared_ptr<const engine::application_plan>& plan);

/// What the summary may draw with.
enum class drawing : std::uint8_t {
  /// Letters and digits.
  plain,
  /// Unicode's block elements.
  blocks,
};

/// Blocks where stdout is a terminal that says it takes UTF-8.
[[nodiscard]] drawing drawing_of_stdout();

/// The summary that a person reads at the end of `freehold run`. `where` is
/// the data directory, or empty where there is none.
[[nodiscard]] std::string summary_text(const market_figures& market,
                                       const hosting_report& report,
                                       bool has_import,
                                       const std::string& where,
                                       drawing how = drawing::plain);

} // namespace freehold::node
