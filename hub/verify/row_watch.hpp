// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/engine/engine.hpp"
#include "projection/model/model.hpp"
#include "projection/query/table_diff.hpp"

namespace sluice::hub {

struct WatchedEvent {
  std::string identity;
  std::string stream;  // <category>/<entity>
  std::string type;
  std::int64_t time_ns = 0;    // the event's own time
  std::int64_t stored_ns = 0;  // when the hub stored it
  std::uint64_t hub_seq = 0;
};

// Follows rows that differ through a replay, event by event, to find where the model's row left the
// log's: the first event whose effect it does not show. One thread.
class RowWatch {
 public:
  struct Finding {
    // The row stood as the model has it until this event; or, if it never did, the first event that
    // made the row. None: no event of the log made the row at all.
    std::optional<WatchedEvent> first;
    bool ever = false;  // the log's row was once as the model has it
  };

  // `scratch`: reads the database that the replay fills. All of them outlive it.
  static core::Result<std::unique_ptr<RowWatch>> open(projection::Target& scratch,
                                                      const projection::Model& model,
                                                      std::vector<projection::RowDifference> rows);

  // Whether the message may touch one of the rows: it is to be applied alone.
  bool concerns(const projection::Incoming& message) const;
  // It was applied.
  core::Result<void> after(const projection::Incoming& message);
  // In the order of `rows`.
  std::vector<Finding> findings() const;

 private:
  struct Watched {
    projection::RowDifference row;
    const projection::Table* table = nullptr;
    std::optional<std::vector<projection::Cell>> last;  // the row as it was looked at last
    std::optional<WatchedEvent> first;
    std::optional<WatchedEvent> maker;
    bool matches = false;
    bool ever = false;
  };
  RowWatch(const projection::Model& model) : model_(model) {}
  static bool matches(const Watched& watched,
                      const std::optional<std::vector<projection::Cell>>& now);

  const projection::Model& model_;
  std::vector<Watched> rows_;
  std::vector<std::pair<const projection::Table*, projection::RowFinder>> finders_;
};

}  // namespace sluice::hub
