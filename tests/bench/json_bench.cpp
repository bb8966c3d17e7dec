// What reading and writing messages costs, apart from all else: JSON, next to
// MessagePack of the same values.
//
//   json_bench [--messages N] [--rounds N]
//
// The messages: the two commands that `freehold import` writes for a sale; the
// event of a sale as a foreign program writes it; and 17 such events in one,
// with a field that nobody reads. Reading is from the text to the described
// struct with everything it takes: finding fields by name, text that is
// checked to be UTF-8, numbers and times in their own types, memory.
//
// Prints, as medians of the rounds with their range, the CPU microseconds (user
// and system) per message, and MB/s of its own form. `by a tree` is the way of
// what goes through an upcaster, `two fields` what is done with a foreign
// record that has no headers before its entity reads it. The ratios are
// medians of those in each round, in which all were measured in turn.
#include "actors/messages/property_messages.hpp"
#include "runtime/base/random.hpp"
#include "runtime/codec/codec.hpp"
#include "tests/bench/cpu_seconds.hpp"

#include <boost/describe.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace freehold;
using bench::cpu_seconds;

namespace {

struct sold_batch {
  static constexpr std::string_view type = "SoldBatch";
  std::string batch_id;
  std::vector<market::property_event> events;
};
BOOST_DESCRIBE_STRUCT(sold_batch, (), (batch_id, events))

constexpr std::size_t distinct_messages = 400;
constexpr int events_in_batch = 17;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string digits(random_source& random, int count) {
  std::string out{static_cast<char>('1' + random.below(9))};
  while (static_cast<int>(out.size()) < count)
    out += static_cast<char>('0' + random.below(10));
  return out;
}

std::string foreign_event(random_source& random) {
  std::string id;
  for (int i = 0; i < 36; ++i)
    id += i == 8 || i == 13 || i == 18 || i == 23
              ? '-'
              : "0123456789abcdef"[random.below(16)];
  return R"({"eventId":")" + id + R"(","timestamp":"2014-0)"
         + std::to_string(1 + random.below(9)) + "-1"
         + std::to_string(random.below(10)) + R"(T00:00:00Z","propertyId":")"
         + digits(random, 10) + R"(","changes":{"status":"sold","price":)"
         + digits(random, 6) + R"(},"metadata":{"userId":"u)"
         + digits(random, 3) + R"(","source":"mls","zipcode":"981)"
         + digits(random, 2) + R"("}})";
}

std::string foreign_batch(random_source& random) {
  std::string out = R"({"batchId":"b)" + digits(random, 6) + R"(","events":[)";
  for (int i = 0; i < events_in_batch; ++i)
    out.append(i == 0 ? "" : ",").append(foreign_event(random));
  return out
         + R"(],"trace":{"spans":[1,2,[3.25,{"a":null,"b":[true,false]}]],)"
           R"("who":"caf\u00e9 \n"}})";
}

market::list_property listing(random_source& random) {
  const auto price = market::money::of_dollars(
      static_cast<std::int64_t>(75'000 + random.below(1'000'000)));
  return {.price = price,
          .zipcode = "981" + digits(random, 2),
          .description = "living area 1180, built 1955",
          .user_id = "",
          .source = "import",
          .living_area_sqft = 1180};
}

market::record_sale sale(random_source& random) {
  const auto price = market::money::of_dollars(
      static_cast<std::int64_t>(75'000 + random.below(1'000'000)));
  const auto day = static_cast<std::int64_t>(16'000 + random.below(400));
  return {.price = price,
          .sold_at = market::utc_time::of(timestamp{day * 86'400'000}).value(),
          .user_id = "",
          .source = "import"};
}

struct measure {
  const char* name;
  /// Per message, one a round.
  std::vector<double> seconds{};
  double bytes = 0;

  void print() const {
    const auto [least, most] =
        std::minmax_element(seconds.begin(), seconds.end());
    const double middle = median(seconds);
    std::printf("  %-22s %7.3f us (%.3f to %.3f) %6.0f MB/s\n", name,
                1e6 * middle, 1e6 * *least, 1e6 * *most, 1e-6 * bytes / middle);
  }
};

double ratio(const measure& above, const measure& below) {
  std::vector<double> all;
  for (std::size_t i = 0; i < above.seconds.size(); ++i)
    all.push_back(above.seconds[i] / below.seconds[i]);
  return median(std::move(all));
}

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "json_bench: %s\n", why.c_str());
  std::exit(1);
}

template <class Texts>
double mean_size(const Texts& texts) {
  std::size_t sum = 0;
  for (const auto& each : texts)
    sum += each.size();
  return static_cast<double>(sum) / static_cast<double>(texts.size());
}

/// What is computed is written here, or it would not be computed.
volatile std::size_t sink = 0;

template <class Step>
void run(measure& into, std::size_t messages, const Step& step) {
  const double started = cpu_seconds();
  std::size_t sum = 0;
  for (std::size_t i = 0; i < messages; ++i)
    sum += step(i % distinct_messages);
  sink = sum;
  into.seconds.push_back((cpu_seconds() - started)
                         / static_cast<double>(messages));
}

template <class T>
void measure_all(const char* name, const std::vector<std::string>& json,
                 std::size_t messages, int rounds) {
  constexpr std::array<std::string_view, 2> looked_at{"type", "eventId"};
  std::vector<T> values;
  std::vector<std::string> packed;
  for (const std::string& each : json) {
    auto value = codec::from_json<T>(each);
    if (!value)
      refuse(value.error().context);
    codec::to_msgpack(packed.emplace_back(), *value);
    values.push_back(std::move(*value));
  }
  measure read{"read JSON"};
  measure tree{"read JSON by a tree"};
  measure fields{"two fields of JSON"};
  measure read_packed{"read MessagePack"};
  measure write{"write JSON"};
  measure write_packed{"write MessagePack"};
  read.bytes = tree.bytes = fields.bytes = write.bytes = mean_size(json);
  read_packed.bytes = write_packed.bytes = mean_size(packed);
  std::string out;
  for (int round = 0; round < rounds; ++round) {
    run(read, messages, [&](std::size_t i) {
      return codec::from_json<T>(json[i]).operator bool() ? 1U : 0U;
    });
    run(read_packed, messages, [&](std::size_t i) {
      return codec::from_msgpack<T>(packed[i]).operator bool() ? 1U : 0U;
    });
    run(tree, messages, [&](std::size_t i) {
      return codec::from_dynamic<T>(codec::parse_json(json[i]).value())
                     .
                     operator bool()
                 ? 1U
                 : 0U;
    });
    run(fields, messages, [&](std::size_t i) {
      return codec::parse_json_fields(json[i], looked_at)->as_object()->size();
    });
    run(write, messages, [&](std::size_t i) {
      out.clear();
      codec::to_json(out, values[i]);
      return out.size();
    });
    run(write_packed, messages, [&](std::size_t i) {
      out.clear();
      codec::to_msgpack(out, values[i]);
      return out.size();
    });
  }
  std::printf("%s: %.0f bytes of JSON, %.0f of MessagePack\n", name, read.bytes,
              read_packed.bytes);
  for (const measure* each :
       {&read, &tree, &fields, &read_packed, &write, &write_packed})
    each->print();
  std::printf("  JSON to MessagePack: reading %.2f, writing %.2f; by a tree to "
              "without: %.2f\n",
              ratio(read, read_packed), ratio(write, write_packed),
              ratio(tree, read));
  std::fflush(stdout);
}

template <class Make>
std::vector<std::string> texts(const Make& make) {
  random_source random{20140502};
  std::vector<std::string> all;
  for (std::size_t i = 0; i < distinct_messages; ++i)
    all.push_back(make(random));
  return all;
}

template <class T>
std::string json_of(const T& value) {
  std::string out;
  codec::to_json(out, value);
  return out;
}

} // namespace

int main(int argc, char** argv) {
  std::size_t messages = 200'000;
  int rounds = 11;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view{argv[i]} == "--messages")
      messages = std::strtoull(argv[i + 1], nullptr, 10);
    else if (std::string_view{argv[i]} == "--rounds")
      rounds = std::atoi(argv[i + 1]);
    else
      return 2;
  }
  if (messages == 0 || rounds < 1)
    return 2;
  std::printf("%zu messages, %d rounds in turn\n", messages, rounds);
  measure_all<market::list_property>(
      "command ListProperty",
      texts([](random_source& random) { return json_of(listing(random)); }),
      messages, rounds);
  measure_all<market::record_sale>(
      "command RecordSale",
      texts([](random_source& random) { return json_of(sale(random)); }),
      messages, rounds);
  measure_all<market::property_sold>("foreign event", texts(foreign_event),
                                     messages, rounds);
  measure_all<sold_batch>("17 foreign events", texts(foreign_batch),
                          std::max<std::size_t>(1, messages / 17), rounds);
}
