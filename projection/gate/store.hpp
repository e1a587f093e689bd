// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// Where the gate keeps its rows, held events and absent ranges. All changes of one batch become
// durable together with what the sink wrote, or not at all: that is the store's duty. Errors are
// those of the medium (kIo, kCorrupt); after one the batch must be rolled back. One thread.
class GateStore {
 public:
  struct LaneUse {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
  };

  virtual ~GateStore() = default;

  // Rows. Pointers stay valid until the batch ends. find() gives nullptr for an unknown row.
  virtual core::Result<GateRow*> find(const RowRef& ref) = 0;
  virtual core::Result<GateRow*> create(const RowRef& ref) = 0;
  // Must be called after a row was changed.
  virtual core::Result<void> changed(GateRow& row) = 0;
  // All rows of a gateway's lane, in order of creation.
  virtual core::Result<std::vector<GateRow*>> lane_rows(std::string_view gateway,
                                                        core::Lane lane) = 0;
  // Rows in state kWaiting whose predecessor is `previous`, in order of creation.
  virtual core::Result<std::vector<GateRow*>> waiting_on(std::string_view gateway, core::Lane lane,
                                                         core::Epoch previous) = 0;
  // The order of epochs within a gateway. Kept with the rows: order_changed() after it was set.
  virtual core::Result<std::optional<std::int64_t>> newest_order(std::string_view gateway) = 0;
  virtual core::Result<std::optional<std::int64_t>> oldest_order(std::string_view gateway) = 0;
  // The lowest of the open rows whose predecessor is `epoch`.
  virtual core::Result<std::optional<std::int64_t>> order_after(std::string_view gateway,
                                                                core::Lane lane,
                                                                core::Epoch epoch) = 0;
  virtual core::Result<void> order_changed(GateRow& row) = 0;
  // Rows that are not open, hold something, or have something not stored; at most `limit`.
  virtual core::Result<std::vector<GateRow*>> unfinished(std::size_t limit) = 0;

  // Held items. At most one event and one gap record per seq of a row.
  virtual core::Result<bool> has_held(const GateRow& row, core::Seq seq, bool gap) = 0;
  virtual core::Result<void> hold(const GateRow& row, const HeldItem& item) = 0;
  // The lowest held event at or above `from`.
  virtual core::Result<std::optional<HeldItem>> first_event(const GateRow& row, core::Seq from) = 0;
  // A held gap record with seq <= next <= to.
  virtual core::Result<std::optional<HeldItem>> gap_over(const GateRow& row, core::Seq next) = 0;
  // The lowest held items at or above `from`, without bodies.
  virtual core::Result<std::vector<HeldItem>> held_from(const GateRow& row, core::Seq from,
                                                        std::size_t limit) = 0;
  struct Dropped {
    std::uint64_t items = 0;
    std::uint64_t gaps = 0;
  };
  // Forgets held events below `next`, and held gap records that end below it.
  virtual core::Result<Dropped> drop_below(const GateRow& row, core::Seq next) = 0;
  // Forgets one held gap record.
  virtual core::Result<void> drop_gap(const GateRow& row, core::Seq seq) = 0;
  virtual core::Result<LaneUse> lane_use(std::string_view gateway, core::Lane lane) = 0;

  // Ranges that were stepped over, with the word of the reason.
  virtual core::Result<void> add_absent(const GateRow& row, core::Seq from, core::Seq to,
                                        std::string_view reason) = 0;
  virtual core::Result<bool> is_absent(const GateRow& row, core::Seq seq) = 0;

  // In which order the epochs of a lane took effect: from `first` on it is this row's events, until
  // the lane's next run. One run per epoch, more only where epochs go on beside each other.
  virtual core::Result<void> add_run(const GateRow& row, core::Seq first, bool is_late) = 0;
};

}  // namespace sluice::projection
