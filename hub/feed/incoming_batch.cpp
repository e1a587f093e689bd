// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/incoming_batch.hpp"

#include <charconv>

#include "core/subject.hpp"

namespace sluice::hub {
namespace {

// What is no number says nothing.
std::int64_t clock_of(const nats::Message& message) {
  const auto text = message.header(core::kClockHeader.data());
  std::int64_t out = 0;
  if (!text) return 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  return error == std::errc() && end == text->data() + text->size() ? out : 0;
}

}  // namespace

IncomingBatch::IncomingBatch(std::vector<nats::Pulled> pulled) : pulled_(std::move(pulled)) {
  // Reserved, and moved as a whole: a short id lives inside its string.
  ids_.reserve(pulled_.size());
  messages_.reserve(pulled_.size());
  for (const nats::Pulled& one : pulled_) {
    ids_.push_back(one.message_id().value_or(std::string()));
    messages_.push_back({one.message.subject(), ids_.back(), one.message.payload(), one.sequence,
                         one.stored_ns, one.message.header(core::kLateHeader.data()).has_value(),
                         clock_of(one.message)});
  }
}

}  // namespace sluice::hub
