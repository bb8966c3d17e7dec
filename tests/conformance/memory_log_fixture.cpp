#include "bridges/log/memory_log.hpp"
#include "tests/conformance/log_fixture.hpp"

namespace freehold::conformance {

namespace {

using namespace bridges::log;

#ifdef FREEHOLD_CONFORMANCE_GAPS
constexpr std::uint32_t gap = 1;
#else
constexpr std::uint32_t gap = 0;
#endif

class memory_log_fixture final : public log_fixture {
public:
  std::unique_ptr<ports::event_log> open() override {
    auto made = std::make_unique<memory_log>(storage_);
    last_ = made.get();
    return made;
  }
  std::unique_ptr<ports::log_reader> open_reader() override {
    return std::make_unique<memory_log_reader>(storage_);
  }
  bool plan_commit(planned how) override {
    last_->plan_commits(how == planned::failed ? planned_outcome::failed
                        : how == planned::unknown_lost
                            ? planned_outcome::unknown_lost
                            : planned_outcome::unknown_applied);
    return true;
  }
  bool revoke(std::vector<partition_index> shards) override {
    last_->revoke(std::move(shards));
    return true;
  }
  bool lose(std::vector<partition_index> shards) override {
    last_->lose(std::move(shards));
    return true;
  }
  bool grant(std::vector<partition_index> shards) override {
    last_->grant(std::move(shards));
    return true;
  }
  [[nodiscard]] bool contiguous() const override { return gap == 0; }

private:
  std::shared_ptr<memory_log_storage> storage_ =
      std::make_shared<memory_log_storage>(
          memory_log_storage::settings{.offsets_skipped_per_unit = gap});
  memory_log* last_ = nullptr;
};

} // namespace

std::unique_ptr<log_fixture> make_log_fixture() {
  return std::make_unique<memory_log_fixture>();
}

} // namespace freehold::conformance
