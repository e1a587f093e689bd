// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/result.hpp"
#include "rpc/frame.hpp"
#include "rpc/value_scanner.hpp"

namespace sluice::rpc {

// Cuts a byte stream into messages. Pure: no I/O, no clock, and no allocation that a promise in a
// header could size.
class FrameParser {
 public:
  explicit FrameParser(const ValueLimits& limits = {}) : scanner_(limits) {}

  // Room to read into (at least `bytes`), then how much was read. Both end the life of the frames
  // given before.
  std::span<char> prepare(std::size_t bytes);
  void commit(std::size_t bytes);
  void feed(std::string_view bytes);

  // The next whole message, nullopt if more bytes are needed. An error is for good, since the place
  // where the next message begins is unknown. kBadRequest: not MessagePack-RPC; kTooLarge: a limit.
  core::Result<std::optional<Frame>> next();

  // The beginning of a message is here, its end is not.
  bool partial() const { return begin_ != end_; }
  // After an error: the id of the request that broke the rules, if it came before that.
  std::optional<std::uint32_t> broken_id() const;

 private:
  std::string_view pending() const;
  ValueScanner scanner_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the current message
  std::size_t end_ = 0;    // of what was received
  std::optional<core::Error> broken_;
};

}  // namespace sluice::rpc
