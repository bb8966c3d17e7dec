#include "node/logging.hpp"

#include "node/console.hpp"
#include "runtime/codec/json_writer.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string_view>

namespace freehold::node {

namespace {

/// One JSON object per line.
class json_line_formatter final : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& message,
              spdlog::memory_buf_t& into) override {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(
        message.time.time_since_epoch());
    std::string line = R"({"time":")" + time_text(timestamp{since.count()});
    const auto level = spdlog::level::to_string_view(message.level);
    line.append(R"(","level":")").append(level.data(), level.size());
    line.append(R"(","component":)");
    codec::append_json_string(
        line, {message.logger_name.data(), message.logger_name.size()});
    line.append(R"(,"message":)");
    codec::append_json_string(line,
                              {message.payload.data(), message.payload.size()});
    line.append("}\n");
    into.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_line_formatter>();
  }
};

spdlog::level::level_enum level_of(logging_level level) {
  switch (level) {
  case logging_level::trace:
    return spdlog::level::trace;
  case logging_level::debug:
    return spdlog::level::debug;
  case logging_level::info:
    return spdlog::level::info;
  case logging_level::warn:
    return spdlog::level::warn;
  case logging_level::error:
    return spdlog::level::err;
  }
  return spdlog::level::info;
}

} // namespace

void start_logging(const configuration& values) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  if (values.logging_format == logging_format::json)
    sink->set_formatter(std::make_unique<json_line_formatter>());
  else
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%-5l%$ %n: %v");
  const auto main = std::make_shared<spdlog::logger>("freehold", sink);
  main->set_level(level_of(values.logging_level));
  main->flush_on(spdlog::level::warn);
  spdlog::drop_all();
  spdlog::set_default_logger(main);
}

std::shared_ptr<spdlog::logger> logger_of(const std::string& component) {
  if (auto known = spdlog::get(component))
    return known;
  auto made = spdlog::default_logger()->clone(component);
  spdlog::register_logger(made);
  return made;
}

} // namespace freehold::node
