// SPDX-License-Identifier: Apache-2.0
#include "rpc/frame_parser.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::rpc {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kKeptBytes = 64 * 1024;  // a buffer that once held a large message shrinks to

// A request or response begins with its kind and a 32-bit id.
bool take_id(Items& items, std::uint32_t& id) {
  const auto number = items.next().unsigned_integer();
  if (!number || *number > UINT32_MAX) return false;
  id = static_cast<std::uint32_t>(*number);
  return true;
}

Frame invalid(Frame frame, std::string problem) {
  frame.kind = Frame::Kind::kInvalid;
  frame.problem = std::move(problem);
  return frame;
}

Frame take_call(Items& items, Frame frame) {
  const auto method = items.next().text();
  if (!method) return invalid(frame, "the method must be text");
  frame.method = *method;
  frame.params = items.next();
  if (frame.params.kind() != Value::Kind::kArray) return invalid(frame, "params must be an array");
  return frame;
}

Frame decode(Value message) {
  Frame frame;
  Items items(message);
  const std::uint32_t size = message.size();
  const auto kind = items.next().unsigned_integer();
  if (kind == 0u && size == 4) {
    if (!take_id(items, frame.id)) return invalid(frame, "the id must be a 32-bit number");
    frame.has_id = true;
    frame.kind = Frame::Kind::kRequest;
    return take_call(items, frame);
  }
  if (kind == 1u && size == 4) {
    if (!take_id(items, frame.id)) return invalid(frame, "the id must be a 32-bit number");
    frame.kind = Frame::Kind::kResponse;
    frame.error = items.next();
    frame.result = items.next();
    return frame;
  }
  if (kind == 2u && size == 3) {
    frame.kind = Frame::Kind::kNotification;
    return take_call(items, frame);
  }
  return invalid(frame, "a message is [0, id, method, params] or [2, method, params]");
}

// Messages have three or four elements. Anything else, an HTTP request for one, is refused on its
// first byte.
bool may_begin_message(unsigned char tag) {
  return tag == 0x93 || tag == 0x94 || tag == 0xdc || tag == 0xdd;
}

}  // namespace

std::span<char> FrameParser::prepare(std::size_t bytes) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kKeptBytes && bytes <= kKeptBytes) {
      buffer_.resize(kKeptBytes);
      buffer_.shrink_to_fit();
    }
  } else if (begin_ > 0 && buffer_.size() - end_ < bytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < bytes) buffer_.resize(std::max(end_ + bytes, buffer_.size() * 2));
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameParser::commit(std::size_t bytes) {
  end_ += bytes;
}

void FrameParser::feed(std::string_view bytes) {
  const auto room = prepare(bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  commit(bytes.size());
}

std::string_view FrameParser::pending() const {
  return std::string_view(buffer_).substr(begin_, end_ - begin_);
}

core::Result<std::optional<Frame>> FrameParser::next() {
  if (broken_) return *broken_;
  const std::string_view bytes = pending();
  if (bytes.empty()) return std::optional<Frame>();
  if (!may_begin_message(static_cast<unsigned char>(bytes[0]))) {
    broken_ = fail(Errc::kBadRequest, "not a MessagePack-RPC message");
    return *broken_;
  }
  const auto whole = scanner_.scan(bytes);
  if (!whole) {
    broken_ = whole.error();
    broken_->message = "message refused: " + broken_->message;
    return *broken_;
  }
  if (!*whole) return std::optional<Frame>();
  const std::size_t size = scanner_.size();
  begin_ += size;
  scanner_.restart();
  return std::optional<Frame>(decode(Value::trusted(bytes.substr(0, size))));
}

std::optional<std::uint32_t> FrameParser::broken_id() const {
  const std::string_view bytes = pending();
  if (!broken_ || !bytes.starts_with(std::string_view("\x94\x00", 2))) return std::nullopt;
  ValueScanner id({.bytes = 5, .depth = 0, .nodes = 1});
  const auto whole = id.scan(bytes.substr(2));
  if (!whole || !*whole) return std::nullopt;
  const auto number = Value::trusted(bytes.substr(2, id.size())).unsigned_integer();
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace sluice::rpc
