// SPDX-License-Identifier: Apache-2.0
#include "rpc/value_scanner.hpp"

#include <string>

#include "rpc/head.hpp"

namespace sluice::rpc {

using core::Errc;
using core::fail;

void ValueScanner::restart() {
  at_ = 0;
  nodes_ = 1;
  open_.clear();
  begun_ = false;
}

core::Result<void> ValueScanner::enter(std::uint64_t children) {
  if (open_.size() >= limits_.depth)
    return fail(Errc::kTooLarge, "nested deeper than " + std::to_string(limits_.depth));
  if (children > limits_.nodes - nodes_)
    return fail(Errc::kTooLarge, "more than " + std::to_string(limits_.nodes) + " values");
  nodes_ += children;
  open_.push_back(children);
  return {};
}

core::Result<bool> ValueScanner::scan(std::string_view bytes) {
  while (!begun_ || !open_.empty()) {
    if (at_ >= bytes.size()) return false;
    const Head head = read_head(bytes.substr(at_));
    if (head.status == Head::Status::kTruncated) return false;
    if (head.status == Head::Status::kInvalid)
      return fail(Errc::kBadRequest, "not MessagePack: byte 0xc1");
    if (at_ + head.bytes + head.payload > limits_.bytes || head.payload > limits_.bytes)
      return fail(Errc::kTooLarge, "more than " + std::to_string(limits_.bytes) + " bytes");
    at_ += head.bytes + head.payload;
    begun_ = true;
    if (!open_.empty()) --open_.back();
    if (head.kind == Value::Kind::kArray || head.kind == Value::Kind::kMap)
      SLUICE_TRY(enter(head.children));
    while (!open_.empty() && open_.back() == 0) open_.pop_back();
  }
  return at_ <= bytes.size();
}

}  // namespace sluice::rpc
