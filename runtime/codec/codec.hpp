#pragma once

/// All of `runtime/codec`, for the files that describe messages and states.
#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/codec/encodable.hpp"
#include "runtime/codec/encode_failure.hpp"
#include "runtime/codec/json.hpp"
#include "runtime/codec/message_pack.hpp"
#include "runtime/codec/schema.hpp"
#include "runtime/codec/stored.hpp"
#include "runtime/codec/text.hpp"
