#pragma once

#include "bridges/kafka/handles.hpp"
#include "runtime/ports/event_log.hpp"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace freehold::bridges::kafka {

/// Records as the library read them: views into its own messages, which must
/// end before their client does.
class message_batch final : public ports::record_batch {
public:
  explicit message_batch(std::shared_ptr<rd_kafka_t> client)
      : client_(std::move(client)) {}

  /// @pre it is a record
  void add(message_ptr from, bool with_headers = true) {
    records.push_back(
        {record_offset{from->offset},
         timestamp{rd_kafka_message_timestamp(from.get(), nullptr)},
         text(from->key, from->key_len), text(from->payload, from->len),
         with_headers ? headers_of(*from) : header_list{}});
    kept_.push_back(std::move(from));
  }

private:
  static std::string_view text(const void* data, std::size_t size) {
    return {static_cast<const char*>(data), data == nullptr ? 0 : size};
  }

  /// The library allocates for it even where there are none.
  header_list headers_of(const rd_kafka_message_t& from) {
    rd_kafka_headers_t* all = nullptr;
    if (rd_kafka_message_headers(&from, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
      return {};
    std::string& packed = headers_.emplace_back();
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(all, i, &name, &value, &size)
         == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i)
      append_header(packed, name, text(value, size));
    return header_list{packed};
  }

  std::shared_ptr<rd_kafka_t> client_; // ends last
  std::vector<message_ptr> kept_;
  std::deque<std::string> headers_; // each stays where it is
};

} // namespace freehold::bridges::kafka
