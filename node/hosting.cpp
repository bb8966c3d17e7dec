#include "node/hosting.hpp"

#include "node/console.hpp"
#include "node/lag_monitor.hpp"
#include "node/logging.hpp"
#include "runtime/engine/engine.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace freehold::node {

namespace {

using std::chrono::milliseconds;

/// The longest time in which nobody looks whether the engine has failed.
constexpr milliseconds look_interval{100};
/// How often a paced import gets its share.
constexpr milliseconds pace_interval{20};

std::chrono::microseconds cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds{time.tv_sec}
           + std::chrono::microseconds{time.tv_usec};
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

/// Rows that a paced import may append: so many per second, at most those of
/// one second at once, also when the wall clock jumps.
class row_budget {
public:
  row_budget(const clock& time, std::uint32_t rate)
      : time_(time), rate_(rate), last_(time.now().value()) {}

  [[nodiscard]] std::uint64_t rows() {
    if (rate_ == 0)
      return ~std::uint64_t{0};
    const std::int64_t now = time_.now().value();
    const std::int64_t passed = std::clamp<std::int64_t>(now - last_, 0, 1'000);
    last_ = now;
    thousandths_ = std::min<std::uint64_t>(
        thousandths_ + static_cast<std::uint64_t>(passed) * rate_,
        std::uint64_t{rate_} * 1'000);
    return thousandths_ / 1'000;
  }
  void spend(std::uint64_t rows) {
    if (rate_ != 0)
      thousandths_ -= rows * 1'000;
  }
  [[nodiscard]] bool is_paced() const noexcept { return rate_ != 0; }

private:
  const clock& time_;
  const std::uint32_t rate_;
  std::int64_t last_;
  std::uint64_t thousandths_ = 0;
};

/// One run of the loop that waits for signals, feeds the import and looks
/// whether the work is done.
class host_loop {
public:
  host_loop(wiring& on, stop_signals& signals, const hosting_options& how,
            engine::engine& engine)
      : on_(on),
        signals_(signals),
        how_(how),
        engine_(engine),
        log_(logger_of("node")),
        budget_(*on.time, how.import_rate),
        progress_(*on.time),
        started_(on.time->now().value()) {}

  result<void> open_import(hosting_report& report) {
    if (!how_.import) {
      report.import_finished = true;
      return {};
    }
    auto reader = on_.open_reader();
    if (!reader)
      return reader.error();
    reader_ = *std::move(reader);
    auto opened = sale_import::open(
        *how_.import,
        {.log = *on_.log,
         .reader = *reader_,
         .plan = *on_.plan,
         .report =
             [this, print_line = bad_line_printer{how_.import->file}](
                 const bad_line& bad) mutable {
               progress_.clear();
               print_line(bad);
             },
         .wake = [bell = bell_] { bell->ring(); }});
    if (!opened)
      return opened.error();
    import_ = *std::move(opened);
    return {};
  }

  void run(hosting_report& report) {
    while (!is_over(report)) {
      const bool busy = feed(report);
      if (how_.until_idle && report.import_finished && !asked_)
        ask_whether_idle();
      show_progress(report);
      signals_.wait(*bell_, busy ? milliseconds{0} : pause());
    }
    progress_.clear();
    report.elapsed = milliseconds{
        std::max<std::int64_t>(on_.time->now().value() - started_, 1)};
  }

private:
  bool is_over(hosting_report& report) {
    report.failure = engine_.failure();
    report.stopped_by_signal = signals_.have_come();
    return report.failure || report.import_failure || report.stopped_by_signal
           || (idle_->load() && !close_windows());
  }

  /// Once everything is done: whether that was only the beginning of the end.
  bool close_windows() {
    if (!how_.close_windows || closed_)
      return false;
    closed_ = true;
    idle_->store(false);
    engine_.close_windows();
    ask_whether_idle();
    return true;
  }

  /// Whether there is more to feed at once.
  bool feed(hosting_report& report) {
    if (import_ == nullptr || report.import_finished)
      return false;
    std::uint64_t taken = 0;
    const auto state = import_->pump(budget_.rows(), taken);
    budget_.spend(taken);
    report.imported = import_->count();
    if (state != sale_import::state::finished)
      return state == sale_import::state::busy;
    report.import_failure = import_->failure();
    report.import_finished = !report.import_failure;
    if (report.import_finished) {
      log_->info("imported {}: {} sales, {} of them already there, {} bad "
                 "lines",
                 how_.import->file, report.imported.rows,
                 report.imported.already_there, report.imported.bad_lines);
      import_.reset();
    }
    return false;
  }

  void ask_whether_idle() {
    asked_ = true;
    engine_.when_idle([idle = idle_, bell = bell_] {
      idle->store(true);
      bell->ring();
    });
  }

  [[nodiscard]] milliseconds pause() const {
    return import_ != nullptr && budget_.is_paced() ? pace_interval
                                                    : look_interval;
  }

  void show_progress(const hosting_report& report) {
    if (!how_.show_progress || !progress_.is_due())
      return;
    const auto seconds =
        static_cast<double>(on_.time->now().value() - started_) / 1000;
    const std::uint64_t taken = engine_.count().taken;
    std::string text;
    if (how_.import)
      text = with_commas(report.imported.rows) + " sales read, ";
    text += with_commas(taken) + " records handled";
    if (seconds > 0)
      text += ", "
              + with_commas(static_cast<std::uint64_t>(
                  static_cast<double>(taken) / seconds))
              + " a second";
    progress_.show(text);
  }

  wiring& on_;
  stop_signals& signals_;
  const hosting_options& how_;
  engine::engine& engine_;
  std::shared_ptr<spdlog::logger> log_;
  row_budget budget_;
  progress_line progress_;
  const std::int64_t started_;
  // Held by the engine and the log as well, which may ring after we left.
  std::shared_ptr<doorbell> bell_ = std::make_shared<doorbell>();
  std::shared_ptr<std::atomic<bool>> idle_ =
      std::make_shared<std::atomic<bool>>(false);
  bool asked_ = false;
  bool closed_ = false;
  std::unique_ptr<ports::log_reader> reader_;
  std::unique_ptr<sale_import> import_;
};

} // namespace

result<hosting_report> host(wiring& on, stop_signals& signals,
                            const hosting_options& how) {
  const auto log = logger_of("node");
  hosting_report report;
  auto made = engine::engine::make(
      on.plan, {.log = *on.log, .time = *on.time, .ledger = on.ledger.get()});
  if (!made)
    return made.error();
  engine::engine& engine = **made;
  host_loop loop{on, signals, how, engine};
  if (auto started = engine.start(); !started)
    return started.error();
  for (const auto& warning : on.ledger_warnings())
    log->warn("{}", warning);
  log->info("{} runs: {} shards on {} workers; SIGTERM or Ctrl-C stops it",
            on.plan->name, on.plan->options.shard_count,
            on.plan->options.worker_count);
  if (auto opened = loop.open_import(report); !opened)
    return opened.error();
  // Ends after the stop: a look that waits for a dead cluster does not hold it
  // up.
  const lag_monitor monitor{on, engine, how.lag_interval, how.lag};
  loop.run(report);

  if (report.stopped_by_signal)
    log->info("stopping: taking no more, committing what was taken");
  if (signals.for_good()) {
    log->info("leaving: others may take the shards at once");
    on.log->leave();
  }
  if (auto stopped = engine.stop(how.stop_timeout);
      !stopped && !report.failure) {
    // A failure of the engine during the stop is one of the engine.
    report.failure = engine.failure();
    if (!report.failure)
      report.stop_failure = stopped.error();
  }
  report.counts = engine.count();
  report.cpu = cpu_time();
  log->info("stopped after {} records in {} units", report.counts.taken,
            report.counts.units);
  return report;
}

void bad_line_printer::operator()(const bad_line& bad) {
  constexpr std::uint64_t printed_max = 100;
  if (++printed_ > printed_max + 1)
    return;
  if (printed_ == printed_max + 1) {
    complain(file_ + ": more bad lines follow; they are only counted");
    return;
  }
  complain(file_ + ":" + std::to_string(bad.line) + ": "
           + (bad.column.empty() ? "" : "column " + bad.column + ": ")
           + bad.reason);
}

} // namespace freehold::node
