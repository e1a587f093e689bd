// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/codec/event_codec.hpp"
#include "core/random.hpp"
#include "sync/lane_sender.hpp"

namespace sluice::sync::sim {

inline constexpr const char* kGateway = "plant-7";
inline constexpr std::uint64_t kEventBytes = 200;  // about

// One lane of the log, as far as the uplink can see it. Copyable: a copy is a copied card.
struct SimLane {
  std::map<core::Seq, std::string> rows;  // retained
  core::Seq last = 0;
  std::vector<storage::EpochInfo> epochs;
  std::vector<storage::Anchor> anchors;
  std::vector<storage::SetAside> set_aside;
  core::Seq first() const { return rows.empty() ? last + 1 : rows.begin()->first; }
  core::Seq trim_after = 0;
  core::Seq acked() const { return anchors.empty() ? 0 : anchors.back().acked; }
};

// The log of one card.
class SimLog {
 public:
  void start(core::Random& random);  // a new epoch: EpochOpened in every lane
  void append(core::Lane lane, std::size_t data_bytes);
  void cut_tail(core::Lane lane, core::Seq keep_last);  // while it does not run
  void trim(core::Lane lane, core::Seq through);        // acked ones only, never the newest row
  void record(core::Lane lane, const std::vector<storage::Anchor>& anchors);
  void rewind(core::Lane lane, core::Seq acked);
  LaneLog lane_log(core::Lane lane) const;
  core::Result<std::vector<storage::Record>> read(core::Lane lane, core::Seq from, std::size_t rows,
                                                  std::size_t bytes) const;
  SimLane& at(core::Lane lane) { return lanes_[core::index(lane)]; }
  const SimLane& at(core::Lane lane) const { return lanes_[core::index(lane)]; }
  core::Epoch epoch() const { return epoch_; }

 private:
  void add_row(core::Lane lane, std::string_view category, std::string_view entity,
               std::string_view type, std::string_view data);
  std::array<SimLane, core::kLaneCount> lanes_;
  core::Epoch epoch_;
};

}  // namespace sluice::sync::sim
