// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "storage/log_reader.hpp"
#include "sync/outbox.hpp"

namespace sluice::sync {

// A lane's items in order as the uplink would send them, byte for byte: events, and gap records in
// the place of what was set aside, trimmed or cannot be read. Reads only. One thread.
class LaneItems {
 public:
  // `log` and `clock` must outlive it. Goes up to what the log holds now.
  static core::Result<std::unique_ptr<LaneItems>> open(storage::LogReader& log,
                                                       const Address& address, core::Lane lane,
                                                       const core::Clock& clock);
  ~LaneItems();

  const storage::LaneState& state() const { return state_; }
  const History& history() const;
  std::vector<core::Epoch> epochs() const { return epochs_; }  // all that the log knows of

  void start_behind(core::Seq acked);  // 0: at the first event that is retained
  void start_at(core::Seq seq);
  core::Seq position() const;                // of the next item
  core::Result<std::optional<Item>> next();  // nullopt: the end

 private:
  class World;
  LaneItems();
  std::unique_ptr<World> world_;
  std::unique_ptr<Outbox> outbox_;
  core::Lane lane_ = core::Lane::kTelemetry;
  storage::LaneState state_;
  std::vector<core::Epoch> epochs_;
};

}  // namespace sluice::sync
