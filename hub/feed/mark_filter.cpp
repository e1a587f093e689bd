// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/mark_filter.hpp"

#include <charconv>

#include "core/codec/event_codec.hpp"

namespace sluice::hub {
namespace {

// "plant-7.0f3a….telemetry.42-57" in its parts. What is no identity is left to the engine, which
// refuses it.
struct Named {
  std::string_view row;
  core::Seq seq = 0;
  core::Seq to = 0;
};

bool read_number(std::string_view text, core::Seq& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Named> named(std::string_view id) {
  const auto dot = id.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  Named out;
  out.row = id.substr(0, dot);
  const std::string_view range = id.substr(dot + 1);
  const auto dash = range.find('-');
  if (!read_number(range.substr(0, dash), out.seq)) return std::nullopt;
  if (dash != std::string_view::npos && !read_number(range.substr(dash + 1), out.to))
    return std::nullopt;
  return out;
}

}  // namespace

MarkFilter::MarkFilter(const projection::Marks& marks) : marks_(marks) {
  for (const projection::Decision& decision : marks.decisions)
    if (decision.applied) applied_late_.insert(decision.event.text());
}

std::optional<projection::Incoming> MarkFilter::pass(const projection::Incoming& message) {
  const auto name = named(message.msg_id);
  if (!name) return message;
  const projection::Mark* mark = marks_.find(name->row);
  if (mark == nullptr || name->seq >= mark->next) {
    if (first_beyond_ == 0) first_beyond_ = message.hub_seq;
    return std::nullopt;
  }
  if (mark->start == projection::RowStart::kAvailable && name->seq < mark->first)
    return std::nullopt;
  if (name->to >= mark->next) return cut(message, mark->next - 1);
  // What was given up before it came is parked there as late, if it came at all.
  if (name->to == 0 && mark->has_skipped(name->seq, name->seq) &&
      !applied_late_.contains(std::string(message.msg_id)))
    return std::nullopt;
  return message;
}

std::optional<projection::Incoming> MarkFilter::cut(const projection::Incoming& message,
                                                    core::Seq to) {
  auto event = codec::decode_event(message.body);
  if (!event) return message;
  auto gap = codec::decode_gap(event->data);
  if (!gap) return message;
  gap->to = to;
  gap->chain.reset();  // it was the one at the old end
  const std::string data = codec::encode_gap(*gap);
  event->data = data;
  body_ = codec::encode_event(*event);
  id_ =
      core::Identity{std::string(event->gateway), event->epoch, event->lane, event->seq, to}.text();
  projection::Incoming out = message;
  out.body = body_;
  out.msg_id = id_;
  return out;
}

}  // namespace sluice::hub
