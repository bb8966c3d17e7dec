#pragma once

#include "tests/testkit/simulation/schedule.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// What happened, in the words of the design, for whoever has to understand a
/// failure. Off unless somebody listens, and then no text is made.
class story {
public:
  struct line {
    moment at{0};
    /// `node 2`, `kafka`, `world`.
    std::string who;
    std::string what;
    /// How often it happened in a row, from then on.
    std::uint64_t times = 1;
  };

  explicit story(bool on = false) : on_(on) {}

  [[nodiscard]] bool is_on() const noexcept { return on_; }
  /// @param what  makes the text, only where somebody listens
  template <class Text>
  void tell(moment at, std::string_view who, const Text& what) {
    if (!on_)
      return;
    line made{at, std::string{who}, what(), 1};
    if (!lines_.empty() && lines_.back().who == made.who
        && lines_.back().what == made.what)
      ++lines_.back().times;
    else
      lines_.push_back(std::move(made));
  }
  [[nodiscard]] const std::vector<line>& lines() const noexcept {
    return lines_;
  }

private:
  bool on_;
  std::vector<line> lines_;
};

} // namespace freehold::simulation
