#pragma once

#include "bridges/kafka/handles.hpp"
#include "runtime/base/error.hpp"

#include <string>

namespace freehold::bridges::kafka {

/// What librdkafka or a broker says, by what a caller does about it: with
/// `invalid_argument` it is refused until this node or the cluster is
/// configured anew, and the text says how where that is known.
/// @param doing  what was tried: `commits a unit`
[[nodiscard]] error to_error(rd_kafka_resp_err_t code, std::string doing);
/// The same with librdkafka's own words.
[[nodiscard]] error to_error(const rd_kafka_error_t& what, std::string doing);
[[nodiscard]] error to_error(rd_kafka_event_t& what, std::string doing);

} // namespace freehold::bridges::kafka
