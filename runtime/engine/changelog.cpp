#include "runtime/engine/changelog.hpp"

#include "runtime/base/assert.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace freehold::engine::changelog {

namespace {

static_assert(std::endian::native == std::endian::little,
              "the changelog is little-endian; swap here for other machines");

constexpr std::size_t prefix_bytes = 1 + 8; // version, unit

template <class T>
requires std::is_integral_v<T>
void put_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

/// Fields into room that is made for all of them at once: for entries that
/// come by the thousand.
class field_writer {
public:
  field_writer(std::string& out, std::size_t bytes) {
    const std::size_t before = out.size();
    out.resize(before + bytes);
    at_ = out.data() + before;
    end_ = at_ + bytes;
  }
  field_writer(const field_writer&) = delete;
  field_writer& operator=(const field_writer&) = delete;

  template <class T>
  requires std::is_integral_v<T>
  void number(T value) noexcept {
    std::memcpy(at_, &value, sizeof(T));
    at_ += sizeof(T);
  }
  void text(std::string_view text) noexcept {
    number(static_cast<std::uint32_t>(text.size()));
    at_ = std::copy(text.begin(), text.end(), at_);
  }
  void finish() const {
    FREEHOLD_ASSERT(at_ == end_, "an entry is as long as it was said to be");
  }

private:
  char* at_ = nullptr;
  const char* end_ = nullptr;
};

constexpr std::size_t text_size_bytes = 4;

/// Takes fields off a payload; goes bad once and stays bad.
class field_reader {
public:
  explicit field_reader(std::string_view rest) : rest_(rest) {}

  template <class T>
  void number(T& into) {
    if (rest_.size() < sizeof(T)) {
      good_ = false;
      return;
    }
    std::memcpy(&into, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
  }
  template <class Tag, class Rep>
  void number(tagged<Tag, Rep>& into) {
    Rep value{};
    number(value);
    into = tagged<Tag, Rep>{value};
  }
  void text(std::string_view& into) {
    std::uint32_t size = 0;
    number(size);
    bytes(into, size);
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool has_more() const noexcept {
    return good_ && !rest_.empty();
  }

  template <class T>
  result<T> finish(T value, const char* what) const {
    if (good_ && rest_.empty())
      return value;
    return error{errc::corrupt, std::string{"a changelog entry ("} + what
                                    + ") is cut or too long"};
  }

private:
  void bytes(std::string_view& into, std::size_t size) {
    if (!good_ || rest_.size() < size) {
      good_ = false;
      return;
    }
    into = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
  bool good_ = true;
};

} // namespace

// -- writing -----------------------------------------------------------------

void pack_writer::begin(std::uint64_t unit, std::size_t bytes_max) {
  unit_ = unit;
  bytes_max_ = std::min(bytes_max, pack_bytes_max);
  count_ = 0;
  current_ = nullptr;
}

void pack_writer::new_pack() {
  if (count_ == packs_.size())
    packs_.emplace_back();
  current_ = &packs_[count_++];
  current_->clear();
  current_->reserve(pack_bytes_max + 256);
  current_->push_back(static_cast<char>(format_version));
  put_number(*current_, unit_);
}

std::size_t pack_writer::begin_entry(entry_kind kind) {
  if (current_ == nullptr)
    new_pack();
  const std::size_t at = current_->size();
  current_->push_back(static_cast<char>(kind));
  current_->append(4, '\0');
  return at;
}

std::uint32_t pack_writer::end_entry(std::size_t at) {
  const std::size_t size = current_->size() - at;
  const auto payload = static_cast<std::uint32_t>(size - entry_prefix_bytes);
  std::memcpy(current_->data() + at + 1, &payload, 4);
  if (current_->size() > bytes_max_ && at > prefix_bytes) {
    // It does not fit behind the others: it begins the next pack.
    const std::size_t full_index = count_ - 1;
    new_pack();
    const std::string& source = packs_[full_index];
    current_->append(source, at, size);
    packs_[full_index].resize(at);
    last_at_ = prefix_bytes;
  } else {
    last_at_ = static_cast<std::uint32_t>(at);
  }
  return static_cast<std::uint32_t>(size);
}

std::size_t pack_writer::bytes() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i)
    sum += packs_[i].size();
  return sum;
}

std::uint32_t pack_writer::put(const unit_header& header) {
  const std::size_t at = begin_entry(entry_kind::header);
  put_number(*current_, header.epoch.value());
  put_number(*current_, header.next_number);
  put_number(*current_, static_cast<std::uint32_t>(header.positions.size()));
  for (const auto& [topic, next] : header.positions) {
    put_text(*current_, topic);
    put_number(*current_, next.value());
  }
  return end_entry(at);
}

std::uint32_t pack_writer::put(const schema_entry& entry) {
  const std::size_t at = begin_entry(entry_kind::schema);
  put_number(*current_, entry.id);
  put_text(*current_, entry.entity);
  put_text(*current_, entry.schema);
  return end_entry(at);
}

std::uint32_t pack_writer::put(const held_entry& entry) {
  const std::size_t at = begin_entry(entry_kind::held);
  std::string& out = *current_;
  put_number(out, entry.number);
  put_text(out, entry.entity);
  put_text(out, entry.key);
  put_number(out, entry.attempts);
  put_number(out, entry.due.value());
  put_text(out, entry.last_error);
  put_text(out, entry.topic);
  put_number(out, entry.offset.value());
  put_number(out, entry.time.value());
  put_text(out, entry.value);
  put_text(out, entry.headers);
  put_number(out, entry.source_watermark.value());
  put_number(out, entry.watermark.value());
  return end_entry(at);
}

void pack_writer::put_held_gone(std::uint64_t number) {
  const std::size_t at = begin_entry(entry_kind::held_gone);
  put_number(*current_, number);
  end_entry(at);
}

std::uint32_t pack_writer::put(const timer_entry& entry) {
  const std::size_t at = begin_entry(entry_kind::timer);
  field_writer out{*current_, 5 * text_size_bytes + entry.entity.size()
                                  + entry.key.size() + entry.name.size()
                                  + entry.message.size() + entry.body.size() + 8
                                  + 8 + 4 + 1};
  out.text(entry.entity);
  out.text(entry.key);
  out.text(entry.name);
  out.number(entry.number);
  out.number(entry.due.value());
  out.text(entry.message);
  out.number(entry.version);
  out.text(entry.body);
  out.number(static_cast<std::uint8_t>(entry.clock));
  out.finish();
  return end_entry(at);
}

void pack_writer::put_timer_gone(std::string_view entity, std::string_view key,
                                 std::string_view name) {
  const std::size_t at = begin_entry(entry_kind::timer_gone);
  field_writer out{*current_, 3 * text_size_bytes + entity.size() + key.size()
                                  + name.size()};
  out.text(entity);
  out.text(key);
  out.text(name);
  out.finish();
  end_entry(at);
}

std::uint32_t pack_writer::put(const answer_entry& entry) {
  const std::size_t at = begin_entry(entry_kind::answer);
  put_number(*current_, entry.id.high);
  put_number(*current_, entry.id.low);
  put_number(*current_, entry.time.value());
  put_number(*current_, entry.status);
  put_text(*current_, entry.body);
  return end_entry(at);
}

std::uint32_t pack_writer::put(const event_time_entry& entry) {
  const std::size_t at = begin_entry(entry_kind::event_time);
  std::string& out = *current_;
  const auto put_mark = [&out](const time_mark& mark) {
    put_number(out, mark.time.value());
    put_number(out, static_cast<std::uint8_t>((mark.is_idle ? 1 : 0)
                                              | (mark.is_resting ? 2 : 0)));
  };
  put_number(out, entry.watermark.value());
  put_mark(entry.announced);
  put_number(out, static_cast<std::uint32_t>(entry.sources.size()));
  for (const auto& [topic, time] : entry.sources) {
    put_text(out, topic);
    put_number(out, time.value());
  }
  put_number(out, static_cast<std::uint32_t>(entry.marks.size()));
  for (const time_mark& mark : entry.marks)
    put_mark(mark);
  return end_entry(at);
}

// -- reading -----------------------------------------------------------------

result<pack_reader> pack_reader::open(std::string_view pack) {
  if (pack.size() < prefix_bytes)
    return cut();
  const auto version = static_cast<std::uint8_t>(pack[0]);
  if (version != format_version)
    return error{errc::corrupt, "a changelog record has format version "
                                    + std::to_string(version)
                                    + ", this build reads "
                                    + std::to_string(format_version)};
  std::uint64_t unit = 0;
  std::memcpy(&unit, pack.data() + 1, 8);
  return pack_reader{pack, prefix_bytes, unit};
}

error pack_reader::cut() {
  return {errc::corrupt, "a changelog record is cut; restore its topic, or "
                         "begin anew under another application name"};
}

result<unit_header> pack_reader::header(std::string_view payload) {
  field_reader in{payload};
  unit_header header;
  std::uint32_t count = 0;
  in.number(header.epoch);
  in.number(header.next_number);
  in.number(count);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    std::string_view topic;
    next_offset next{0};
    in.text(topic);
    in.number(next);
    header.positions.emplace_back(std::string{topic}, next);
  }
  return in.finish(std::move(header), "header");
}

result<schema_entry> pack_reader::schema(std::string_view payload) {
  field_reader in{payload};
  schema_entry entry;
  in.number(entry.id);
  in.text(entry.entity);
  in.text(entry.schema);
  return in.finish(entry, "schema");
}

result<state_entry> pack_reader::state_at(std::string_view pack,
                                          std::size_t at) {
  if (at >= pack.size())
    return cut();
  entry found;
  if (!pack_reader{pack, at, 0}.next(found))
    return cut();
  if (!is_state(found.kind))
    return error{errc::corrupt, "a changelog record has no state at byte "
                                    + std::to_string(at)};
  return state(found.payload);
}

result<held_entry> pack_reader::held(std::string_view payload) {
  field_reader in{payload};
  held_entry entry;
  in.number(entry.number);
  in.text(entry.entity);
  in.text(entry.key);
  in.number(entry.attempts);
  in.number(entry.due);
  in.text(entry.last_error);
  in.text(entry.topic);
  in.number(entry.offset);
  in.number(entry.time);
  in.text(entry.value);
  in.text(entry.headers);
  if (in.has_more())
    in.number(entry.source_watermark);
  if (in.has_more())
    in.number(entry.watermark);
  return in.finish(entry, "held message");
}

result<std::uint64_t> pack_reader::held_gone(std::string_view payload) {
  field_reader in{payload};
  std::uint64_t number = 0;
  in.number(number);
  return in.finish(number, "finished message");
}

result<timer_entry> pack_reader::timer(std::string_view payload) {
  field_reader in{payload};
  timer_entry entry;
  in.text(entry.entity);
  in.text(entry.key);
  in.text(entry.name);
  in.number(entry.number);
  in.number(entry.due);
  in.text(entry.message);
  in.number(entry.version);
  in.text(entry.body);
  if (in.has_more()) {
    std::uint8_t clock = 0;
    in.number(clock);
    if (clock > static_cast<std::uint8_t>(timer_clock::event_time))
      return error{errc::corrupt, "a timer goes by an unknown clock"};
    entry.clock = static_cast<timer_clock>(clock);
  }
  return in.finish(entry, "timer");
}

result<timer_entry> pack_reader::timer_gone(std::string_view payload) {
  field_reader in{payload};
  timer_entry entry;
  in.text(entry.entity);
  in.text(entry.key);
  in.text(entry.name);
  return in.finish(entry, "ended timer");
}

result<answer_entry> pack_reader::answer(std::string_view payload) {
  field_reader in{payload};
  answer_entry entry;
  in.number(entry.id.high);
  in.number(entry.id.low);
  in.number(entry.time);
  in.number(entry.status);
  in.text(entry.body);
  return in.finish(entry, "answer");
}

result<event_time_entry> pack_reader::event_time(std::string_view payload) {
  field_reader in{payload};
  event_time_entry entry;
  const auto mark = [&in](time_mark& into) {
    std::uint8_t rest = 0;
    in.number(into.time);
    in.number(rest);
    into.is_idle = (rest & 1U) != 0;
    into.is_resting = (rest & 2U) != 0;
  };
  in.number(entry.watermark);
  mark(entry.announced);
  std::uint32_t count = 0;
  in.number(count);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    std::string_view topic;
    timestamp time;
    in.text(topic);
    in.number(time);
    entry.sources.emplace_back(std::string{topic}, time);
  }
  in.number(count);
  for (std::uint32_t i = 0; i < count && in.good(); ++i)
    mark(entry.marks.emplace_back());
  return in.finish(std::move(entry), "event time");
}

} // namespace freehold::engine::changelog
