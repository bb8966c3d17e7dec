#include "bridges/log/embedded_log.hpp"
#include "bridges/log/embedded_log_reader.hpp"
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/temporary_directory.hpp"

#include <atomic>
#include <stdexcept>

namespace freehold::conformance {

namespace {

using namespace bridges::log;

class manual_clock final : public freehold::clock {
public:
  [[nodiscard]] timestamp now() const override { return timestamp{now_}; }
  void advance(std::chrono::milliseconds by) { now_ += by.count(); }

private:
  std::atomic<std::int64_t> now_{1'700'000'000'000};
};

class embedded_log_fixture final : public log_fixture {
public:
  std::unique_ptr<ports::event_log> open() override {
    embedded_log_options options;
    options.directory = directory_.path();
    options.fsync = false; // the process does not outlive the test
    options.clock = &clock_;
    options.next_fault = [this] { return fault_.exchange(store_fault::none); };
    auto made = embedded_log::open(std::move(options));
    if (!made)
      throw std::runtime_error(to_string(made.error()));
    return *std::move(made);
  }
  std::unique_ptr<ports::log_reader> open_reader() override {
    auto made = embedded_log_reader::open(directory_.path());
    if (!made)
      throw std::runtime_error(to_string(made.error()));
    return *std::move(made);
  }
  void plan_commit(planned how) override {
    fault_ = how == planned::failed         ? store_fault::fail
             : how == planned::unknown_lost ? store_fault::unknown_lost
                                            : store_fault::unknown_applied;
  }
  void plan_produce(planned how) override { plan_commit(how); }
  void advance_clock(std::chrono::milliseconds by) override {
    clock_.advance(by);
  }

private:
  temporary_directory directory_;
  manual_clock clock_;
  std::atomic<store_fault> fault_{store_fault::none};
};

} // namespace

std::unique_ptr<log_fixture> make_log_fixture() {
  return std::make_unique<embedded_log_fixture>();
}

} // namespace freehold::conformance
