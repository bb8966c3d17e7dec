#pragma once

#include "bridges/log/embedded_log.hpp"
#include "bridges/log/embedded_log_reader.hpp"
#include "tests/conformance/log_testkit.hpp"
#include "tests/conformance/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

/// What the tests of the embedded log share.
namespace freehold::bridges::log::testkit {

using conformance::at;
using conformance::changelog_topic;
using conformance::log_life;
using conformance::output_topic;
using conformance::temporary_directory;
using ports::commit_outcome;

class manual_clock final : public freehold::clock {
public:
  [[nodiscard]] timestamp now() const override { return timestamp{now_}; }
  void advance(std::int64_t milliseconds) { now_ += milliseconds; }

private:
  std::atomic<std::int64_t> now_{1'000'000};
};

inline manual_clock test_clock;

inline embedded_log_options options_for(const temporary_directory& directory) {
  embedded_log_options options;
  options.directory = directory.path();
  options.fsync = false;
  options.clock = &test_clock;
  return options;
}

inline std::unique_ptr<embedded_log>
open_log(const embedded_log_options& options) {
  auto made = embedded_log::open(options);
  INFO((made ? std::string{} : to_string(made.error())));
  REQUIRE(made.has_value());
  return *std::move(made);
}

inline std::filesystem::path data_of(const temporary_directory& directory) {
  return directory.path() / "data.mdb";
}

/// Runs in a process of its own; gives the signal that ended it, or 0.
template <class Body>
int run_in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    return WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? 0 : -1;
}

inline void fill(const temporary_directory& directory, int unit_count) {
  log_life life{open_log(options_for(directory))};
  for (int unit = 0; unit < unit_count; ++unit) {
    std::vector<std::string> values;
    for (int i = 0; i < 20; ++i)
      values.push_back(std::string(200, 'v').append(std::to_string(unit)));
    life.append(at(output_topic, 0), values);
    life.append(at(changelog_topic, 0), {std::string(30'000, 's')});
  }
}

/// Reads everything; the number of records, or the first error.
inline result<std::size_t> count_all(const temporary_directory& directory) {
  auto reader = embedded_log_reader::open(directory.path());
  if (!reader)
    return reader.error();
  const auto topics = (*reader)->topics();
  if (!topics)
    return topics.error();
  std::size_t count = 0;
  for (std::uint32_t t = 0; t < topics->size(); ++t)
    for (std::uint32_t p = 0; p < (*topics)[t].partitions.size(); ++p) {
      const auto bounds = (*topics)[t].partitions[p];
      for (next_offset next = bounds.begin; next < bounds.end;) {
        const auto batch =
            (*reader)->read(at(topic_index{t}, p), next, 1U << 20U);
        if (!batch)
          return batch.error();
        count += (*batch)->records.size();
        next = (*batch)->next;
      }
    }
  return count;
}

inline void overwrite(const std::filesystem::path& file, std::uint64_t offset,
                      char mask) {
  std::fstream data{file, std::ios::in | std::ios::out | std::ios::binary};
  data.seekg(static_cast<std::streamoff>(offset));
  const char flipped = static_cast<char>(data.get() ^ mask);
  data.seekp(static_cast<std::streamoff>(offset));
  data.put(flipped);
}

} // namespace freehold::bridges::log::testkit
