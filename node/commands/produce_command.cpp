#include "node/commands/appending.hpp"
#include "node/commands/commands.hpp"
#include "node/hosting.hpp"
#include "node/keyed_lines.hpp"
#include "node/produce_window.hpp"
#include "runtime/base/hash.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
Reads lines of a key, a tab and a value, and appends each as a record without
headers to a topic that the application reads, in the partition of its key. The
value is taken as it is; whoever reads the topic says what it must be. A bad
line (no tab, an empty key or value, not UTF-8, longer than 1 MiB) is reported
on stderr as FILE:LINE: reason, and the rest goes on. Nothing is recognised as
there already: an event that comes twice has the same eventId. No node may run
on the same data.

Examples:
  freehold topic produce property-events --config configs/analytics-only.yaml
      --file events.tsv
  some-program | freehold topic produce property-events
      --config configs/analytics-only.yaml

)";

/// What one read takes, and about the size of a batch.
constexpr std::size_t read_bytes = 256 * 1024;
constexpr int wait_ms = 100;

struct produce_flags {
  configuration_flags configuration;
  std::string topic;
  std::string file;

  [[nodiscard]] std::string name() const {
    return file.empty() ? "stdin" : file;
  }
};

/// The lines' bytes; stdin is waited for in pieces, so that Ctrl-C is heard.
class line_source {
public:
  explicit line_source(int fd, bool owns) : fd_(fd), owns_(owns) {}
  line_source(const line_source&) = delete;
  line_source& operator=(const line_source&) = delete;
  ~line_source() {
    if (owns_)
      (void)::close(fd_);
  }

  /// Reads what there is; empty with `at_end` at the end, and after a while
  /// in which nothing came. Errors: `unavailable`.
  result<std::string_view> read() {
    pollfd wanted{fd_, POLLIN, 0};
    if (::poll(&wanted, 1, wait_ms) <= 0)
      return std::string_view{};
    const auto count = ::read(fd_, bytes_.data(), bytes_.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
      return std::string_view{};
    if (count < 0)
      return error{errc::unavailable, std::generic_category().message(errno)};
    at_end_ = count == 0;
    return std::string_view{bytes_.data(), static_cast<std::size_t>(count)};
  }
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }

private:
  const int fd_;
  const bool owns_;
  bool at_end_ = false;
  std::vector<char> bytes_ = std::vector<char>(read_bytes);
};

/// Records on their way; all of a batch or none.
class line_batch final : public ports::produce_request {
public:
  void add(const keyed_line& line) {
    bytes_.append(line.key).append(line.value);
    sizes_.emplace_back(line.key.size(), line.value.size());
  }
  [[nodiscard]] std::uint64_t count() const { return sizes_.size(); }

  /// Nothing may be added after it.
  void seal(topic_index topic, std::uint32_t partition_count, timestamp time) {
    std::string_view rest{bytes_};
    for (const auto& [key, value] : sizes_) {
      ports::append& made = appends.emplace_back();
      made.time = time;
      made.key = rest.substr(0, key);
      made.value = rest.substr(key, value);
      made.target = {topic, partition_of(made.key, partition_count)};
      rest.remove_prefix(key + value);
    }
  }

private:
  std::string bytes_;
  std::vector<std::pair<std::size_t, std::size_t>> sizes_;
};

/// One run of the command.
class producing {
public:
  producing(const produce_flags& flags, wiring& on, topic_index topic,
            line_source& from)
      : flags_(flags),
        on_(on),
        topic_(topic),
        from_(from),
        lines_(on.plan->options.record_bytes_max),
        report_(flags.name()) {}

  exit_status run(stop_signals& signals) {
    if (auto started = log_.start(on_); !started) {
      complain(started.error());
      return exit_status::cannot_run;
    }
    for (bool stop = false;;) {
      if (const auto why = failure()) {
        complain(*why);
        (void)finish(true);
        return exit_status::failed;
      }
      const bool no_more = stop || from_.at_end();
      if (no_more && window_.is_empty())
        return finish(!from_.at_end());
      if (no_more || window_.is_full()) {
        stop = signals.wait(*bell_, std::chrono::milliseconds{wait_ms});
        continue;
      }
      take();
      stop = signals.wait(*bell_, std::chrono::milliseconds{0});
    }
  }

private:
  [[nodiscard]] std::optional<error> failure() const {
    if (read_failure_)
      return read_failure_;
    auto failed = window_.failure() ? window_.failure() : log_.failure();
    if (failed)
      failed->context += "; how many records got through is not sure. Produce "
                         "them again: an event id that comes twice counts once";
    return failed;
  }

  /// One read and the records in it.
  void take() {
    const auto bytes = from_.read();
    if (!bytes) {
      read_failure_ = error{bytes.error().code,
                            flags_.name() + " cannot be read any further: "
                                + bytes.error().context};
      return;
    }
    lines_.give(*bytes);
    if (from_.at_end())
      lines_.end();
    auto batch = std::make_shared<line_batch>();
    for (keyed_line line; lines_.next(line);) {
      if (line.fault.empty()) {
        batch->add(line);
        continue;
      }
      ++bad_lines_;
      report_({line.number, "", std::string{line.fault}});
    }
    const std::uint64_t count = batch->count();
    if (count == 0)
      return;
    batch->seal(topic_, on_.plan->options.shard_count, on_.time->now());
    window_.send(*on_.log, std::move(batch), count);
  }

  exit_status finish(bool stopped) {
    const std::uint64_t bad = bad_lines_;
    print(flags_.topic + ": " + with_commas(window_.appended())
          + " records appended, " + with_commas(bad)
          + (bad == 1 ? " bad line\n" : " bad lines\n"));
    if (stopped)
      complain("stopped before the end of " + flags_.name() + "; of its first "
               + with_commas(lines_.count())
               + " lines the good ones are appended");
    return stopped || bad > 0 ? exit_status::partly : exit_status::done;
  }

  const produce_flags& flags_;
  wiring& on_;
  const topic_index topic_;
  line_source& from_;
  keyed_lines lines_;
  bad_line_printer report_;
  std::uint64_t bad_lines_ = 0;
  std::optional<error> read_failure_;
  std::shared_ptr<doorbell> bell_ = std::make_shared<doorbell>();
  produce_window window_{[bell = bell_] { bell->ring(); }};
  // Ends before what answers go to.
  appending_log log_{bell_};
};

std::optional<topic_index> source_named(const std::string& name,
                                        const engine::application_plan& plan) {
  std::string names;
  for (const auto& source : plan.sources) {
    if (plan.topic_name(source.topic) == name)
      return source.topic;
    names.append(names.empty() ? "" : ", ")
        .append(plan.topic_name(source.topic));
  }
  complain("the application does not read the topic \"" + name
           + "\", and what it writes itself is not for others to write; it "
             "reads: "
           + names);
  return std::nullopt;
}

exit_status produce(const produce_flags& flags) {
  const auto values = load_for_appending(flags.configuration);
  if (!values)
    return exit_status::cannot_run;
  // What cannot go on should not leave a data directory behind.
  const auto plan = make_plan(*values);
  if (!plan) {
    complain(plan.error());
    return exit_status::cannot_run;
  }
  const auto topic = source_named(flags.topic, **plan);
  if (!topic)
    return exit_status::cannot_run;
  const int fd = flags.file.empty()
                     ? STDIN_FILENO
                     : ::open(flags.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    complain(flags.file
             + ": cannot be opened: " + std::generic_category().message(errno));
    return exit_status::cannot_run;
  }
  line_source from{fd, !flags.file.empty()};
  stop_signals signals;
  auto wired = wire(*values);
  if (!wired) {
    complain(wired.error());
    return exit_status::cannot_run;
  }
  return producing{flags, *wired, *topic, from}.run(signals);
}

} // namespace

void add_topic_produce(CLI::App& topic, chosen_command& chosen) {
  auto* const command = topic.add_subcommand(
      "produce", "Append lines of key and value to a source");
  const auto flags = std::make_shared<produce_flags>();
  command->add_option("TOPIC", flags->topic, "A topic the application reads")
      ->required()
      ->type_name("");
  command
      ->add_option("--file", flags->file,
                   "Read the lines from there, not stdin")
      ->type_name("FILE");
  flags->configuration.add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return produce(*flags); }; });
}

} // namespace freehold::node::commands
