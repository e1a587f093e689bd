// SPDX-License-Identifier: Apache-2.0
#include "sync/live_values.hpp"

#include <algorithm>

namespace sluice::sync {

core::Seq LiveValues::look(core::Lane lane, core::Seq last) {
  auto& next = next_[core::index(lane)];
  if (last >= next && last - next >= kRowsPerLook) next = last - kRowsPerLook + 1;
  return next;
}

void LiveValues::row(core::Lane lane, core::Seq seq, const core::EventView& event,
                     std::string_view body) {
  next_[core::index(lane)] = seq + 1;
  if (std::find(categories_.begin(), categories_.end(), event.category) == categories_.end())
    return;
  std::string stream = event.stream().text();
  const auto known = newest_.find(stream);
  if (known != newest_.end()) {
    known->second.body = body;
    return;
  }
  if (newest_.size() >= kStreamsMax) return;
  order_.push_back(stream);
  newest_.emplace(std::move(stream), Value{std::string(event.category), std::string(body)});
}

std::vector<LiveValues::Value> LiveValues::take(Time passed, std::uint64_t link_rate) {
  const std::uint64_t rate = link_rate == 0 ? kBytesMax : std::min(kBytesMax, link_rate / 8);
  const std::uint64_t room = rate * static_cast<std::uint64_t>(passed.count()) / 1000;
  std::vector<Value> out;
  std::uint64_t used = 0;
  // The first one always goes, however large it is.
  while (!order_.empty() && used < std::max<std::uint64_t>(room, 1)) {
    const auto found = newest_.find(order_.front());
    used += found->second.body.size();
    out.push_back(std::move(found->second));
    newest_.erase(found);
    order_.pop_front();
  }
  return out;
}

void LiveValues::clear() {
  newest_.clear();
  order_.clear();
}

}  // namespace sluice::sync
