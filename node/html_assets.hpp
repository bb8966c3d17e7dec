#pragma once

/// The parts of the report's page that are the same for all markets.
namespace freehold::node::html {

/// From the doctype to the end of the head: the policy and the style.
extern const char* const head;
/// What the curves and marks mean.
extern const char* const explanation;
/// The filter field; the script shows it.
extern const char* const tools;
/// The element with the script. Its hash is in the policy of `head`: a browser
/// runs this script and no other.
extern const char* const script;

} // namespace freehold::node::html
