// How long a record takes from its producer through a program to a reader of
// committed records.
//
//   kafka_latency BROKERS PARTITIONS RATE SECONDS ROUNDS NAME=COMMAND ...
//
// Each COMMAND is a program that passes records on from a topic {in} to a topic
// {out} until it has had {n} of them, exactly once, as kafka_bench and its
// peers do. In each round every one is started in turn with new topics, and
// gets RATE records of 100 bytes a second, of 10,000 keys, for a warm-up and
// SECONDS more. Prints milliseconds from the call that produces a record to the
// one that reads what became of it: p50 and p99 of each run, the medians of
// those over the rounds, and what they are above those of the first command.
#include <librdkafka/rdkafka.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int warm_up_s = 5;
constexpr int keys = 10'000;
constexpr std::size_t value_size = 100;
constexpr int answer_ms_max = 30'000;
/// Records are sent in steps of that length.
constexpr std::chrono::milliseconds step{1};

using instant = std::chrono::steady_clock::time_point;

instant now() { return std::chrono::steady_clock::now(); }

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "kafka_latency: %s\n", what.c_str());
  std::exit(1);
}

rd_kafka_t*
open_client(rd_kafka_type_t type,
            const std::vector<std::pair<const char*, std::string>>& settings) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings)
    if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size())
        != RD_KAFKA_CONF_OK)
      fail(why.data());
  rd_kafka_t* const made = rd_kafka_new(type, conf, why.data(), why.size());
  if (made == nullptr)
    fail(why.data());
  return made;
}

struct parameters {
  std::string brokers;
  int partitions = 0;
  int rate = 0;
  int seconds = 0;
  [[nodiscard]] std::int64_t warm_up() const {
    return std::int64_t{rate} * warm_up_s;
  }
  [[nodiscard]] std::int64_t records() const {
    return warm_up() + std::int64_t{rate} * seconds;
  }
};

void make_topics(rd_kafka_t* client, const parameters& how,
                 const std::string& in, const std::string& out) {
  std::array<rd_kafka_NewTopic_t*, 2> all{};
  all[0] = rd_kafka_NewTopic_new(in.c_str(), how.partitions, 1, nullptr, 0);
  all[1] = rd_kafka_NewTopic_new(out.c_str(), how.partitions, 1, nullptr, 0);
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(client);
  rd_kafka_CreateTopics(client, all.data(), all.size(), nullptr, queue);
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, answer_ms_max);
  if (event == nullptr || rd_kafka_event_error(event) != 0)
    fail("topics cannot be made");
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy_array(all.data(), all.size());
}

/// Sends them at the pace; each says when it was, in nanoseconds.
void send_all(rd_kafka_t* client, const std::string& in,
              const parameters& how) {
  rd_kafka_topic_t* const topic =
      rd_kafka_topic_new(client, in.c_str(), nullptr);
  std::array<char, value_size> value{};
  const instant begun = now();
  for (std::int64_t sent = 0; sent < how.records();) {
    const std::int64_t due = std::min<std::int64_t>(
        how.records(),
        std::chrono::duration_cast<std::chrono::microseconds>(now() - begun)
                .count()
            * how.rate / 1'000'000);
    for (; sent < due; ++sent) {
      const std::string key = "key-" + std::to_string(sent * 7919 % keys);
      const std::int64_t when = now().time_since_epoch().count();
      std::memcpy(value.data(), &sent, sizeof sent);
      std::memcpy(value.data() + sizeof sent, &when, sizeof when);
      if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                           value.data(), value.size(), key.data(), key.size(),
                           nullptr)
          != 0)
        fail("a record cannot be sent");
    }
    rd_kafka_poll(client, 0);
    std::this_thread::sleep_for(step);
  }
  rd_kafka_flush(client, answer_ms_max);
  rd_kafka_topic_destroy(topic);
}

/// Milliseconds of each record behind the warm-up, sorted.
std::vector<double> read_all(rd_kafka_t* client, const std::string& out,
                             const parameters& how) {
  rd_kafka_topic_partition_list_t* const all =
      rd_kafka_topic_partition_list_new(how.partitions);
  for (int p = 0; p < how.partitions; ++p)
    rd_kafka_topic_partition_list_add(all, out.c_str(), p)->offset = 0;
  rd_kafka_assign(client, all);
  rd_kafka_topic_partition_list_destroy(all);
  std::vector<double> took;
  instant last = now();
  for (std::int64_t read = 0; read < how.records();) {
    rd_kafka_message_t* const one = rd_kafka_consumer_poll(client, 100);
    const instant when = now();
    if (one == nullptr || one->err != 0) {
      if (when - last > std::chrono::milliseconds{answer_ms_max})
        fail("only " + std::to_string(read) + " records came out of "
             + std::to_string(how.records())
             + ": does the command pass them from {in} to {out}?");
    } else {
      last = when;
      ++read;
      std::int64_t number = 0;
      std::int64_t sent = 0;
      std::memcpy(&number, one->payload, sizeof number);
      std::memcpy(&sent, static_cast<const char*>(one->payload) + sizeof number,
                  sizeof sent);
      if (number >= how.warm_up())
        took.push_back(
            static_cast<double>(when.time_since_epoch().count() - sent) / 1e6);
    }
    if (one != nullptr)
      rd_kafka_message_destroy(one);
  }
  std::sort(took.begin(), took.end());
  return took;
}

std::string replaced(std::string text, const std::string& what,
                     const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;
       at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

pid_t begin(const std::string& command) {
  const pid_t child = fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stdout);
    execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
    std::_Exit(127);
  }
  return child;
}

double quantile(const std::vector<double>& sorted, double which) {
  return sorted[static_cast<std::size_t>(
      which * static_cast<double>(sorted.size() - 1))];
}

std::pair<double, double> measure(const parameters& how,
                                  const std::string& command, int number) {
  const std::string name =
      "latency-" + std::to_string(getpid()) + "-" + std::to_string(number);
  rd_kafka_t* const producer =
      open_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", how.brokers},
                                      {"linger.ms", "1"},
                                      {"partitioner", "murmur2_random"}});
  rd_kafka_t* const consumer =
      open_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", how.brokers},
                                      {"group.id", name},
                                      {"isolation.level", "read_committed"},
                                      {"enable.auto.commit", "false"}});
  make_topics(producer, how, name + "-in", name + "-out");
  const pid_t child = begin(replaced(
      replaced(replaced(command, "{in}", name + "-in"), "{out}", name + "-out"),
      "{n}", std::to_string(how.records())));
  std::thread sender{[&] { send_all(producer, name + "-in", how); }};
  const auto took = read_all(consumer, name + "-out", how);
  sender.join();
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0)
    fail("did not end well: " + command);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  rd_kafka_destroy(producer);
  return {quantile(took, 0.5), quantile(took, 0.99)};
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: kafka_latency BROKERS PARTITIONS RATE SECONDS "
                         "ROUNDS NAME=COMMAND ...\n");
    return 2;
  }
  const parameters how{argv[1], std::atoi(argv[2]), std::atoi(argv[3]),
                       std::atoi(argv[4])};
  const int rounds = std::atoi(argv[5]);
  if (how.partitions < 1 || how.rate < 1 || how.seconds < 1 || rounds < 1)
    fail("PARTITIONS, RATE, SECONDS and ROUNDS are numbers from 1 on");
  for (int i = 6; i < argc; ++i)
    if (std::strchr(argv[i], '=') == nullptr)
      fail(std::string{"NAME=COMMAND is meant, and there is: "} + argv[i]);
  std::map<int, std::array<std::vector<double>, 2>> all;
  int number = 0;
  for (int round = 0; round < rounds; ++round)
    for (int i = 6; i < argc; ++i) {
      const std::string what = argv[i];
      const auto [p50, p99] =
          measure(how, what.substr(what.find('=') + 1), ++number);
      std::fprintf(stderr, "round %d %s p50 %.1f ms p99 %.1f ms\n", round + 1,
                   what.substr(0, what.find('=')).c_str(), p50, p99);
      all[i][0].push_back(p50);
      all[i][1].push_back(p99);
    }
  for (auto& [i, both] : all)
    for (auto& each : both)
      std::sort(each.begin(), each.end());
  for (const auto& [i, both] : all) {
    const std::string what = argv[i];
    const double p50 = quantile(both[0], 0.5);
    const double p99 = quantile(both[1], 0.5);
    std::printf("%-24s p50 %6.1f ms (%+.1f)  p99 %6.1f ms (%+.1f; %.1f to "
                "%.1f)\n",
                what.substr(0, what.find('=')).c_str(), p50,
                p50 - quantile(all.begin()->second[0], 0.5), p99,
                p99 - quantile(all.begin()->second[1], 0.5), both[1].front(),
                both[1].back());
  }
  return 0;
}
