#pragma once

#include "runtime/base/ids.hpp"

namespace freehold {

/// Where the runtime learns the time. Production reads the system's clock, a
/// test moves its own. May be called from any thread.
class clock {
public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  /// Wall time. May step back; nothing may rely on its growing.
  [[nodiscard]] virtual timestamp now() const = 0;
};

/// The system's wall clock.
class system_clock final : public clock {
public:
  [[nodiscard]] timestamp now() const override;
};

} // namespace freehold
