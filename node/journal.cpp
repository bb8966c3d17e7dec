#include "node/journal.hpp"

#include "actors/messages/utc_time.hpp"

#include <charconv>

namespace freehold::node {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto done =
      std::from_chars(text.data(), text.data() + text.size(), into);
  return done.ec == std::errc{} && done.ptr == text.data() + text.size();
}

error no_event(const std::string& why) {
  return {errc::undecodable, "the record is no event of a journal: " + why};
}

} // namespace

result<journal_event> read_event(const record& from) {
  journal_event event;
  event.key = from.key;
  event.value = from.value;
  const auto type = from.headers.find("ce_type");
  const auto sequence = from.headers.find("ce_sequence");
  if (!type || !sequence || !read_number(*sequence, event.sequence))
    return no_event("it has no ce_type or no ce_sequence");
  event.type = *type;
  event.id = from.headers.find("ce_id").value_or("");
  if (const auto version = from.headers.find("ce_dataversion");
      version && !read_number(*version, event.version))
    return no_event("its ce_dataversion is no number");
  const auto time =
      market::utc_time::parse(from.headers.find("ce_time").value_or(""));
  if (!time)
    return no_event("its ce_time: " + time.error().context);
  event.time = time->value();
  return event;
}

std::string cause_text(std::string_view id) {
  // From the back: a topic's name may have anything in it but a slash.
  const std::size_t ordinal = id.rfind('/');
  const std::size_t offset =
      ordinal == id.npos || ordinal == 0 ? id.npos : id.rfind('/', ordinal - 1);
  const std::size_t partition =
      offset == id.npos || offset == 0 ? id.npos : id.rfind('/', offset - 1);
  if (partition == id.npos || partition == 0)
    return std::string{id};
  std::string text{id.substr(0, partition)};
  text.append(" partition ")
      .append(id.substr(partition + 1, offset - partition - 1))
      .append(" offset ")
      .append(id.substr(offset + 1, ordinal - offset - 1));
  return text;
}

} // namespace freehold::node
