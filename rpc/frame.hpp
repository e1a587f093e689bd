// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "rpc/value.hpp"

// The messages of MessagePack-RPC: request [0, id, method, params], response [1, id, error,
// result], notification [2, method, params]. `params` is always an array.
namespace sluice::rpc {

struct Frame {
  enum class Kind { kRequest, kResponse, kNotification, kInvalid };
  Kind kind = Kind::kInvalid;
  std::uint32_t id = 0;
  std::string_view method;
  Value params;
  Value error;   // kResponse: nil, or what went wrong
  Value result;  // kResponse
  // kInvalid: a whole value that is no message. The connection can go on; if has_id, the sender can
  // be told.
  bool has_id = false;
  std::string problem = {};
};

// `params`, `result` are encoded values.
std::string encode_request(std::uint32_t id, std::string_view method, std::string_view params);
std::string encode_notification(std::string_view method, std::string_view params);
std::string encode_result(std::uint32_t id, std::string_view result);
std::string encode_error(std::uint32_t id, const core::Error& error);

// An error travels as {code: word, message, field?, current?}. Anything else that a stranger may
// send becomes kInternal with its text.
std::string encode_error_map(const core::Error& error);
core::Error decode_error(const Value& error);

}  // namespace sluice::rpc
