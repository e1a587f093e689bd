// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/mark_filter.hpp"

#include <charconv>

namespace sluice::hub {
namespace {

// "plant-7.0f3a….telemetry.42-57" in its parts. What is no identity is left to the engine, which
// refuses it.
struct Named {
  std::string_view row;
  core::Seq seq = 0;
  bool is_gap = false;
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
  core::Seq to = 0;
  out.is_gap = dash != std::string_view::npos;
  if (out.is_gap && !read_number(range.substr(dash + 1), to)) return std::nullopt;
  return out;
}

}  // namespace

MarkFilter::MarkFilter(const projection::Marks& marks) : marks_(marks) {
  for (const projection::Decision& decision : marks.decisions)
    if (decision.applied && decision.done) applied_late_.insert(decision.event.text());
}

bool MarkFilter::takes(const projection::Incoming& message) {
  const auto name = named(message.msg_id);
  if (!name) return true;
  if (name->is_gap) return false;
  const projection::Mark* mark = marks_.find(name->row);
  if (mark == nullptr || name->seq >= mark->next) {
    if (first_beyond_ == 0) first_beyond_ = message.hub_seq;
    return false;
  }
  if (name->seq < mark->first) return false;
  // What was given up before it came is parked there as late, if it came at all.
  return !mark->is_absent(name->seq) || applied_late_.contains(std::string(message.msg_id));
}

}  // namespace sluice::hub
