#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/effects.hpp"

#include <boost/intrusive/set.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace freehold::engine {

/// What names a timer: of one name an entity has one.
struct timer_identity {
  std::uint32_t type = 0; // entity type's index
  /// Of the key.
  std::uint64_t key_hash = 0;
  std::string_view key;
  std::string_view name;
};

/// What a timer is made of.
struct timer_content {
  timestamp due;
  timer_clock clock = timer_clock::processing_time;
  std::string_view message;
  std::uint32_t version = 1;
  std::string_view body;
};

class timer;
struct timer_deleter {
  void operator()(timer* which) const noexcept;
};
using timer_ptr = std::unique_ptr<timer, timer_deleter>;

/// A message that an entity sends to itself later: one block of memory, with
/// its texts behind it.
class timer {
public:
  static timer_ptr make(const timer_identity& which, const timer_content& what);
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  [[nodiscard]] timer_identity identity() const noexcept {
    return {type, key_hash, key(), name()};
  }
  [[nodiscard]] std::string_view key() const noexcept {
    return {texts(), key_size_};
  }
  [[nodiscard]] std::string_view name() const noexcept {
    return {texts() + key_size_, name_size_};
  }
  [[nodiscard]] std::string_view message() const noexcept {
    return {texts() + key_size_ + name_size_, message_size_};
  }
  [[nodiscard]] std::string_view body() const noexcept {
    return {texts() + key_size_ + name_size_ + message_size_, body_size_};
  }
  /// What it takes of memory, its share of the table included.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// Fetches it into the cache.
  void prefetch() const noexcept {
    __builtin_prefetch(this);
    __builtin_prefetch(texts());
  }

  const std::uint64_t key_hash;
  const timestamp due;
  const std::uint32_t type;
  const std::uint32_t version;
  const timer_clock clock;
  /// Unique in the shard for ever: ids of what the timer causes derive from
  /// it.
  std::uint64_t number = 0;
  /// The pack that has the newest entry of its identity, plus one; 0 as long
  /// as the changelog knows of none. A timer that takes another one's place
  /// takes that one's entry over, too.
  std::uint64_t pack = 0;
  /// The size of its own entry; 0 as long as it has none.
  std::uint32_t packed_bytes = 0;

private:
  friend class timer_table;
  friend struct timer_deleter;

  timer(const timer_identity& which, const timer_content& what) noexcept;
  ~timer() = default;
  [[nodiscard]] char* texts() noexcept {
    return reinterpret_cast<char*>(this + 1);
  }
  [[nodiscard]] const char* texts() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }

  const std::uint32_t key_size_;
  const std::uint32_t name_size_;
  const std::uint32_t message_size_;
  const std::uint32_t body_size_;
  boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>
      in_due_order_;
  /// Its place among those to write, from 1; 0: it is none of them.
  std::uint32_t changed_at_ = 0;
};

/// The durable timers of a shard, by clock and due time, and by name.
class timer_table {
public:
  timer_table() = default;
  ~timer_table() { clear(); }
  timer_table(const timer_table&) = delete;
  timer_table& operator=(const timer_table&) = delete;

  /// Sets a timer. @pre there is none of its identity
  timer& set(timer_ptr what);
  /// Takes a timer out; an empty pointer where there is none.
  timer_ptr take(const timer_identity& which);
  [[nodiscard]] timer* find(const timer_identity& which) const noexcept;
  /// The timer of that clock that is due first, if it is due by `now`; null
  /// otherwise.
  [[nodiscard]] timer* next_due(timer_clock clock, timestamp now) noexcept;
  /// Passes the timers of that clock that are due by `now` to `visit`, in
  /// order, `count` at the most and until it gives false.
  template <class Visit>
  void visit_due(timer_clock clock, timestamp now, std::size_t count,
                 Visit&& visit) const {
    for (const timer& each : due(clock))
      if (count-- == 0 || each.due > now || !visit(each))
        return;
  }
  /// The first timer of that clock whose number is below a bound, or null.
  [[nodiscard]] timer* first_below(timer_clock clock,
                                   std::uint64_t number) noexcept;
  /// When the first one by the node's clock is due; false where there is none.
  [[nodiscard]] bool first_due(timestamp& due) const noexcept;

  /// Whether a timer has that number. Looks at all timers.
  [[nodiscard]] bool has(std::uint64_t number) const noexcept;

  /// Notes that a timer is to be written to the changelog.
  void note_changed(timer& which);
  /// Visits what was noted and is still there, in the order of the notes, and
  /// forgets that it was noted.
  template <class Visit>
  void take_changed(Visit&& visit) {
    for (std::size_t i = 0; i < changed_.size(); ++i) {
      if (i + prefetch_distance < changed_.size())
        if (const timer* const ahead = changed_[i + prefetch_distance])
          ahead->prefetch();
      if (timer* const here = changed_[i]) {
        here->changed_at_ = 0;
        visit(*here);
      }
    }
    changed_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return timers_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  void clear() noexcept;

  /// How far ahead of the writing timers are fetched into the cache.
  static constexpr std::size_t prefetch_distance = 16;

private:
  /// By due time, ties by number.
  struct sooner {
    bool operator()(const timer& a, const timer& b) const noexcept {
      return a.due != b.due ? a.due < b.due : a.number < b.number;
    }
  };
  using due_list = boost::intrusive::set<
      timer,
      boost::intrusive::member_hook<timer, decltype(timer::in_due_order_),
                                    &timer::in_due_order_>,
      boost::intrusive::compare<sooner>,
      boost::intrusive::constant_time_size<false>>;

  struct identity_hash {
    using is_transparent = void;
    std::size_t operator()(const timer_identity& which) const noexcept;
    std::size_t operator()(const timer* which) const noexcept {
      return (*this)(which->identity());
    }
  };
  struct same_identity {
    using is_transparent = void;
    bool operator()(const timer* a, const timer* b) const noexcept {
      return a == b;
    }
    bool operator()(const timer_identity& a, const timer* b) const noexcept {
      return a.key_hash == b->key_hash && a.type == b->type
             && a.name == b->name() && a.key == b->key();
    }
    bool operator()(const timer* a, const timer_identity& b) const noexcept {
      return (*this)(b, a);
    }
  };

  [[nodiscard]] due_list& due(timer_clock clock) noexcept {
    return due_[static_cast<std::size_t>(clock)];
  }
  [[nodiscard]] const due_list& due(timer_clock clock) const noexcept {
    return due_[static_cast<std::size_t>(clock)];
  }

  /// Owns them.
  boost::unordered_flat_set<timer*, identity_hash, same_identity> timers_;
  std::array<due_list, 2> due_; // by clock
  /// By clock, the last one that was set: the next one mostly comes right
  /// behind it, as windows that end together do.
  std::array<timer*, 2> last_set_{};
  /// Null: taken out since.
  std::vector<timer*> changed_;
  std::uint64_t bytes_ = 0;
};

} // namespace freehold::engine
