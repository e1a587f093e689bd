// SPDX-License-Identifier: Apache-2.0
#include "tests/sync/sim_log.hpp"

#include <algorithm>

namespace sluice::sync::sim {

void SimLog::add_row(core::Lane lane, std::string_view category, std::string_view entity,
                     std::string_view type, std::string_view data) {
  auto& of = at(lane);
  core::EventView view;
  view.gateway = kGateway;
  view.epoch = epoch_;
  view.lane = lane;
  view.seq = ++of.last;
  view.category = category;
  view.entity = entity;
  view.version = 1;
  view.type = type;
  view.data = data;
  view.id.bytes[0] = 1;
  of.rows.emplace(of.last, codec::encode_event(view));
}

void SimLog::start(core::Random& random) {
  epoch_ = core::draw_epoch(random);
  for (auto lane : core::kLanes) {
    auto& of = at(lane);
    core::EpochOpened opened;
    if (!of.epochs.empty()) opened.previous = of.epochs.back().epoch;
    opened.last_seq = of.last;
    opened.reason = "start";
    of.epochs.push_back({epoch_, of.last + 1, opened});
    add_row(lane, core::kReservedCategory, core::lane_name(lane), core::kTypeEpochOpened,
            codec::encode_epoch_opened(opened));
  }
}

void SimLog::append(core::Lane lane, std::size_t data_bytes) {
  std::string data(1, static_cast<char>(0xda));  // str16
  data += static_cast<char>(data_bytes >> 8);
  data += static_cast<char>(data_bytes & 0xff);
  data.append(data_bytes, 'x');
  add_row(lane, "pump", "p1", at(lane).last % 3 == 0 ? "Stopped" : "Started", data);
}

// As a power cut leaves it: rows go, and with them whatever was committed after them.
void SimLog::cut_tail(core::Lane lane, core::Seq keep_last) {
  auto& of = at(lane);
  if (keep_last >= of.last || keep_last < of.first()) return;
  of.rows.erase(of.rows.upper_bound(keep_last), of.rows.end());
  of.last = keep_last;
  while (of.epochs.size() > 1 && of.epochs.back().first_seq > keep_last) of.epochs.pop_back();
  std::erase_if(of.set_aside, [&](const auto& range) { return range.to > keep_last; });
}

void SimLog::trim(core::Lane lane, core::Seq through) {
  auto& of = at(lane);
  if (of.acked() < of.trim_after) return;  // a rewind runs
  through = std::min({through, of.acked(), of.last - 1});
  of.rows.erase(of.rows.begin(), of.rows.upper_bound(through));
  // Only epochs that still have retained events are remembered, and the newest.
  while (of.epochs.size() > 1 && of.epochs[1].first_seq <= of.first())
    of.epochs.erase(of.epochs.begin());
}

void SimLog::record(core::Lane lane, const std::vector<storage::Anchor>& anchors) {
  auto& of = at(lane);
  for (const auto& anchor : anchors)
    if (anchor.acked > of.acked() && anchor.acked <= of.last) of.anchors.push_back(anchor);
  if (of.acked() >= of.trim_after) of.trim_after = 0;
}

void SimLog::rewind(core::Lane lane, core::Seq acked) {
  at(lane).trim_after = std::max(at(lane).trim_after, at(lane).acked());
  std::erase_if(at(lane).anchors, [&](const auto& anchor) { return anchor.acked > acked; });
}

LaneLog SimLog::lane_log(core::Lane lane) const {
  const auto& of = at(lane);
  LaneLog out;
  out.state.first = of.first();
  out.state.last = of.last;
  out.state.acked = of.acked();
  out.state.trim_after = of.trim_after;
  out.event_bytes = kEventBytes;
  out.epochs = of.epochs;
  out.anchors = of.anchors;
  out.set_aside = of.set_aside;
  return out;
}

core::Result<std::vector<storage::Record>> SimLog::read(core::Lane lane, core::Seq from,
                                                        std::size_t rows, std::size_t bytes) const {
  std::vector<storage::Record> out;
  std::size_t size = 0;
  const auto& of = at(lane);
  for (auto row = of.rows.lower_bound(from); row != of.rows.end() && out.size() < rows; ++row) {
    if (!out.empty() && size + row->second.size() > bytes) break;
    size += row->second.size();
    out.push_back({row->first, row->second});
  }
  return out;
}

}  // namespace sluice::sync::sim
