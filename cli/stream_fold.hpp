// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "core/event.hpp"
#include "core/json.hpp"
#include "projection/engine/engine.hpp"

namespace sluice::cli {

// What the events of one stream say, up to a version or a moment: its newest events, and the last
// value of each field. Copies and any order give the same. Memory grows with the stream by some
// bytes per event. One thread.
class StreamFold {
 public:
  struct Limits {
    std::optional<std::uint64_t> version;
    std::optional<std::int64_t> stored_ns;  // by the hub's clock
    std::size_t newest = 20;                // events that are kept with their data
  };
  StreamFold(std::string gateway, core::StreamName stream, Limits limits)
      : gateway_(std::move(gateway)), stream_(std::move(stream)), limits_(limits) {}

  void hear(const projection::Incoming& message);
  // Whether an event is one of those that count.
  bool takes(const core::EventView& event) const;

  std::uint64_t events() const { return seen_.size(); }
  std::uint64_t version() const { return version_; }
  // How many of the versions up to version() no event had: their events were dropped at the edge,
  // or the hub stream no longer has them. Versions count from 1, without a hole.
  std::uint64_t missing() const { return version_ - versions_.size(); }
  // {"stream", "version", "events", "missing", "missing_versions": [{"from", "to"}], "first_at",
  // "last_at", "fields": {name: {"value", "version", "at"}}, "newest": [...]}. Of the missing at
  // most the first 20 ranges.
  core::json::object json() const;

 private:
  struct Field {
    std::uint64_t version = 0;
    std::int64_t at_ns = 0;
    core::json::value value;
  };
  void fold(const core::EventView& event, std::int64_t at_ns, const core::json::value& data);
  core::json::array missing_versions() const;

  std::string gateway_;
  core::StreamName stream_;
  Limits limits_;
  std::set<std::tuple<core::Epoch, core::Lane, core::Seq>> seen_;
  std::set<std::uint64_t> versions_;  // a lost tail gives one to two events
  std::uint64_t version_ = 0;
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::map<std::string, Field> fields_;
  // By version, and by epoch where a lost tail gave one version twice.
  std::map<std::pair<std::uint64_t, core::Epoch>, core::json::object> newest_;
};

}  // namespace sluice::cli
