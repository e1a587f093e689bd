// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "rpc/frame.hpp"

namespace sluice::rpc {

// Cuts a byte stream into messages. Pure: no I/O, no clock. Each byte is looked at once, and every
// limit is checked on the header that makes the promise, before the promised bytes are waited for.
class FrameParser {
 public:
  explicit FrameParser(const ValueLimits& limits = {}) : limits_(limits) {}

  // Room to read into (at least `bytes`), then how much was read. prepare() ends the life of the
  // frames given before.
  std::span<char> prepare(std::size_t bytes);
  void commit(std::size_t bytes);
  void feed(std::string_view bytes);

  // The next whole message, nullopt if more bytes are needed. An error is for good: the place where
  // the next message begins is unknown. kBadRequest: not MessagePack-RPC; kTooLarge: a limit.
  core::Result<std::optional<Frame>> next();

  // In the middle of a message.
  bool partial() const { return begin_ != end_; }
  // After an error: the id of the request that broke the rules, if it was read before that.
  std::optional<std::uint32_t> broken_id() const;

 private:
  core::Result<bool> scan();  // true: one whole value, scanned_ bytes long
  core::Result<void> open(std::uint64_t children);
  ValueLimits limits_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the current message
  std::size_t end_ = 0;      // of what was received
  std::size_t scanned_ = 0;  // from begin_; may lie beyond end_ while a text is on its way
  std::uint32_t nodes_ = 0;
  std::vector<std::uint64_t> open_;  // values still to come, per nesting level
  std::optional<core::Error> broken_;
};

}  // namespace sluice::rpc
