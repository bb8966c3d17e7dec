// What the embedded log costs above the bare store. Per unit of N records: a
// state of 128 B each, packed into changelog batches of 64 KiB, and an output
// of 100 B for every ten records; one transaction, one fsync.
//
//   store_loop_bench [records per unit] [units] [rounds] [nosync]
//
// Prints CPU microseconds (user and system, whole process) per record: of a
// plain loop over LMDB, and of the same appends through `embedded_log`, as
// packed records of 64 KiB (what the engine does) and as single records.
#include "bridges/log/embedded_log.hpp"
#include "tests/bench/cpu_seconds.hpp"
#include "tests/conformance/temporary_directory.hpp"

#include <lmdb.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace freehold;
using bench::cpu_seconds;

namespace {

constexpr std::size_t state_bytes = 128;
constexpr std::size_t output_bytes = 100;
constexpr std::size_t records_per_output = 10;
constexpr std::size_t packed_bytes = (64U << 10U) - 128;
constexpr std::uint32_t shard_count = 4;

struct parameters {
  std::size_t records = 20'000;
  std::size_t units = 100;
  bool fsync = true;
};

struct cost {
  double cpu = 0;
  double wall = 0;
};

double wall_now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <class Body>
cost measure(const parameters& how, Body body) {
  const double cpu = cpu_seconds();
  const double wall = wall_now();
  body();
  const double scale = 1e6 / static_cast<double>(how.records * how.units);
  return {(cpu_seconds() - cpu) * scale, (wall_now() - wall) * scale};
}

void check(int code) {
  if (code != 0) {
    std::fprintf(stderr, "lmdb: %s\n", mdb_strerror(code));
    std::exit(1);
  }
}

/// The denominator: pack by memcpy, put, commit.
cost bare_loop(const parameters& how) {
  const conformance::temporary_directory directory;
  MDB_env* environment = nullptr;
  check(mdb_env_create(&environment));
  check(mdb_env_set_mapsize(environment, std::size_t{64} << 30U));
  check(mdb_env_open(environment, directory.path().c_str(),
                     how.fsync ? 0U : unsigned{MDB_NOSYNC}, 0644));
  const std::string state(state_bytes, 's');
  const std::string output(output_bytes, 'o');
  MDB_txn* transaction = nullptr;
  check(mdb_txn_begin(environment, nullptr, 0, &transaction));
  MDB_dbi table = 0;
  check(mdb_dbi_open(transaction, nullptr, 0, &table));
  check(mdb_txn_commit(transaction));
  std::uint64_t next = 0;
  std::string packed;
  const auto put = [&](char kind) {
    char raw[16] = {kind};
    const std::uint64_t big = __builtin_bswap64(next++);
    std::memcpy(raw + 8, &big, 8);
    MDB_val key{sizeof raw, raw};
    MDB_val value{packed.size(), packed.data()};
    check(mdb_put(transaction, table, &key, &value, 0));
    packed.clear();
  };
  const cost result = measure(how, [&] {
    for (std::size_t unit = 0; unit < how.units; ++unit) {
      check(mdb_txn_begin(environment, nullptr, 0, &transaction));
      for (std::size_t i = 0; i < how.records; ++i) {
        packed.append(state);
        if (packed.size() + state_bytes > packed_bytes)
          put('c');
      }
      if (!packed.empty())
        put('c');
      for (std::size_t i = 0; i < how.records / records_per_output; ++i) {
        packed.append(output);
        if (packed.size() + output_bytes > packed_bytes)
          put('o');
      }
      if (!packed.empty())
        put('o');
      check(mdb_txn_commit(transaction));
    }
  });
  mdb_env_close(environment);
  return result;
}

class outcome_listener final : public ports::log_listener {
public:
  void granted(std::vector<ports::shard_grant> shards) override {
    arrive([&] { grants = std::move(shards); });
  }
  void committed(ports::commit_result outcome) override {
    arrive([&] { done = outcome.outcome == ports::commit_outcome::done; });
  }
  void fetched(next_offset, ports::record_batch_ptr batch) override {
    arrive([&] { read = std::move(batch); });
  }
  void revoked(std::vector<partition_index>) override {}
  void lost(std::vector<partition_index>) override {}
  void fetch_failed(topic_partition, next_offset, error) override {
    std::abort();
  }
  void looked_up(std::shared_ptr<ports::lookup>, result<void>) override {}
  void recovered(std::vector<ports::shard_grant>) override {}
  void broken(error) override {}

  void await() {
    std::unique_lock lock{gate_};
    changed_.wait(lock, [this] { return arrived_; });
    arrived_ = false;
  }

  std::vector<ports::shard_grant> grants;
  ports::record_batch_ptr read;
  bool done = true;

private:
  template <class What>
  void arrive(What what) {
    const std::lock_guard lock{gate_};
    what();
    arrived_ = true;
    changed_.notify_all();
  }

  std::mutex gate_;
  std::condition_variable changed_;
  bool arrived_ = false;
};

class filled_part final : public ports::unit_part {
public:
  std::string bytes;
};

/// Packs states as the engine does, or appends each as a record.
std::shared_ptr<const ports::commit_unit>
make_unit(const parameters& how, bool pack,
          const std::vector<ports::shard_grant>& grants) {
  auto unit = std::make_shared<ports::commit_unit>();
  const std::size_t states = how.records / grants.size();
  for (const ports::shard_grant& grant : grants) {
    auto part = std::make_shared<filled_part>();
    part->shard = grant.shard;
    part->epoch = grant.epoch;
    part->bytes.assign(states * state_bytes, 's');
    const std::size_t step = pack ? packed_bytes : state_bytes;
    const std::string_view all{part->bytes};
    for (std::size_t at = 0; at < all.size(); at += step)
      part->appends.push_back({{topic_index{0}, grant.shard},
                               timestamp{static_cast<std::int64_t>(at)},
                               {},
                               all.substr(at, step),
                               {}});
    for (std::size_t i = 0; i < states / records_per_output; ++i)
      part->appends.push_back({{topic_index{1}, grant.shard},
                               timestamp{static_cast<std::int64_t>(i)},
                               all.substr(0, 8),
                               all.substr(0, output_bytes - 8),
                               {}});
    unit->parts.push_back(std::move(part));
  }
  return unit;
}

struct log_cost {
  cost commit;
  cost fetch;
};

log_cost through_log(const parameters& how, bool pack) {
  const conformance::temporary_directory directory;
  const system_clock clock;
  bridges::log::embedded_log_options options;
  options.directory = directory.path();
  options.fsync = how.fsync;
  options.clock = &clock;
  auto log = bridges::log::embedded_log::open(std::move(options));
  if (!log)
    std::abort();
  outcome_listener listener;
  const ports::log_layout layout{
      {{"changelog", shard_count, ports::topic_role::changelog, {}},
       {"outputs", shard_count, ports::topic_role::output, {}}},
      shard_count};
  if (!(*log)->start(layout, listener))
    std::abort();
  listener.await();
  const auto unit = make_unit(how, pack, listener.grants);
  log_cost result;
  result.commit = measure(how, [&] {
    for (std::size_t i = 0; i < how.units; ++i) {
      (*log)->commit(unit);
      listener.await();
      if (!listener.done)
        std::abort();
    }
  });
  result.fetch = measure(how, [&] {
    for (std::uint32_t p = 0; p < shard_count; ++p)
      for (next_offset next{0};; next = listener.read->next) {
        (*log)->fetch({{topic_index{0}, partition_index{p}},
                       next,
                       1U << 20U,
                       ports::fetch_wait::no});
        listener.await();
        if (listener.read->records.empty())
          break;
      }
  });
  (*log)->stop();
  return result;
}

} // namespace

int main(int argc, char** argv) {
  parameters how;
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
  };
  how.records = number(1, how.records);
  how.units = number(2, how.units);
  const std::size_t rounds = number(3, 5);
  how.fsync = argc <= 4 || std::strcmp(argv[4], "nosync") != 0;
  utsname machine{};
  ::uname(&machine);
  std::printf("%s %s %s, %zu records/unit, %zu units, %zu rounds, %s\n",
              machine.sysname, machine.release, machine.machine, how.records,
              how.units, rounds, how.fsync ? "fsync" : "no fsync");
  std::vector<double> columns[5];
  const auto show = [](const char* name, std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    std::printf("%-28s %6.3f us CPU per record (%.3f .. %.3f)\n", name,
                values[values.size() / 2], values.front(), values.back());
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    columns[0].push_back(bare_loop(how).cpu);
    const log_cost packed = through_log(how, true);
    const log_cost single = through_log(how, false);
    columns[1].push_back(packed.commit.cpu);
    columns[2].push_back(single.commit.cpu);
    columns[3].push_back(packed.fetch.cpu);
    columns[4].push_back(single.fetch.cpu);
  }
  show("bare loop", columns[0]);
  show("embedded log, packed", columns[1]);
  show("embedded log, single", columns[2]);
  show("fetch, packed", columns[3]);
  show("fetch, single", columns[4]);
  return 0;
}
