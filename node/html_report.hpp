#pragma once

#include "node/market_report.hpp"

#include <string>

namespace freehold::node {

/// The report as one HTML page that needs nothing else: style, script and
/// charts are in it, and its content security policy lets it fetch nothing
/// and run no other script. The same values give the same text.
[[nodiscard]] std::string html_report(const market_report& report);

} // namespace freehold::node
