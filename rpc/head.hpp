// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "rpc/value.hpp"

namespace sluice::rpc {

// The head of one MessagePack value: what the first one to nine bytes say. Internal to rpc.
struct Head {
  enum class Status { kWhole, kTruncated, kInvalid };
  Status status = Status::kInvalid;
  Value::Kind kind = Value::Kind::kAbsent;
  std::uint32_t bytes = 0;     // of the head itself, a number's value included
  std::uint64_t payload = 0;   // bytes of text, bytes or ext that follow
  std::uint64_t children = 0;  // values that follow: elements, or keys and values
  std::uint64_t bits = 0;      // a number's or bool's value; integers sign-extended
  bool negative = false;
  bool float32 = false;
};

Head read_head(std::string_view bytes);

}  // namespace sluice::rpc
