// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/result.hpp"
#include "rpc/value.hpp"

namespace sluice::rpc {

// Finds the end of one MessagePack value in bytes that come in pieces. Looks at each head once, and
// checks every limit on the head that makes a promise, before the promised bytes are waited for.
class ValueScanner {
 public:
  explicit ValueScanner(const ValueLimits& limits) : limits_(limits) {}

  // `bytes` is all that came since the value's beginning. True: whole, size() bytes long. False:
  // call again with more. kBadRequest: not MessagePack. kTooLarge: a limit.
  core::Result<bool> scan(std::string_view bytes);
  std::size_t size() const { return at_; }
  void restart();

 private:
  core::Result<void> enter(std::uint64_t children);
  ValueLimits limits_;
  std::size_t at_ = 0;               // may lie beyond the bytes while a text is on its way
  std::uint64_t nodes_ = 1;          // seen and promised
  std::vector<std::uint64_t> open_;  // values still to come, per nesting level
  bool begun_ = false;
};

}  // namespace sluice::rpc
