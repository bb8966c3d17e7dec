#include "runtime/base/error.hpp"

namespace freehold {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::ok:
    return "ok";
  case errc::invalid_argument:
    return "invalid_argument";
  case errc::not_found:
    return "not_found";
  case errc::in_use:
    return "in_use";
  case errc::unavailable:
    return "unavailable";
  case errc::outcome_unknown:
    return "outcome_unknown";
  case errc::fenced:
    return "fenced";
  case errc::corrupt:
    return "corrupt";
  case errc::undecodable:
    return "undecodable";
  case errc::limit_reached:
    return "limit_reached";
  case errc::mismatch:
    return "mismatch";
  case errc::stopped:
    return "stopped";
  case errc::no_space:
    return "no_space";
  case errc::missing_upcaster:
    return "missing_upcaster";
  }
  return "unnamed";
}

std::string to_string(const error& what) {
  std::string text{to_string(what.code)};
  if (!what.context.empty())
    text.append(": ").append(what.context);
  return text;
}

} // namespace freehold
