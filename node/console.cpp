#include "node/console.hpp"

#include "actors/messages/utc_time.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace freehold::node {

namespace {

constexpr std::int64_t terminal_interval_ms = 100;
constexpr std::int64_t lines_interval_ms = 5'000;

void to_stderr(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

} // namespace

void complain(std::string_view what) {
  to_stderr("freehold: " + std::string{what} + "\n");
}

void complain(const error& why) { complain(why.context); }

void print(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, 1, ',');
  }
  return text;
}

std::string dollars(std::int64_t cents) {
  const std::uint64_t size = cents < 0 ? ~static_cast<std::uint64_t>(cents) + 1
                                       : static_cast<std::uint64_t>(cents);
  std::string text{cents < 0 ? "-$" : "$"};
  text.append(with_commas(size / 100)).append(size % 100 < 10 ? ".0" : ".");
  return text.append(std::to_string(size % 100));
}

std::string time_text(timestamp at) {
  const auto time = market::utc_time::of(at);
  return time ? time->to_string() : std::to_string(at.value());
}

// -- progress ----------------------------------------------------------------

progress_line::progress_line(const clock& time)
    : time_(time),
      terminal_(::isatty(STDERR_FILENO) == 1),
      last_shown_(time.now().value()) {}

bool progress_line::is_due() const {
  const std::int64_t passed = time_.now().value() - last_shown_;
  return passed < 0
         || passed >= (terminal_ ? terminal_interval_ms : lines_interval_ms);
}

void progress_line::show(std::string_view text) {
  last_shown_ = time_.now().value();
  if (!terminal_) {
    to_stderr(std::string{text} + "\n");
    return;
  }
  std::string line{"\r"};
  line.append(text);
  if (text.size() < shown_columns_)
    line.append(shown_columns_ - text.size(), ' ');
  shown_columns_ = text.size();
  to_stderr(line);
}

void progress_line::clear() {
  if (shown_columns_ == 0)
    return;
  std::string line{"\r"};
  to_stderr(line.append(shown_columns_, ' ').append("\r"));
  shown_columns_ = 0;
}

} // namespace freehold::node
