// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "hub/feed/replay_source.hpp"
#include "hub/verify/mark_filter.hpp"
#include "projection/engine/engine.hpp"
#include "projection/engine/marks.hpp"

namespace sluice::hub {

// Where a replay stops reading a hub stream: whichever comes first; none: its end.
struct ReplayBound {
  std::optional<std::uint64_t> position;  // the last hub-stream sequence that is read
  // The last moment, by the hub's clock: what was stored later is not read. It is the hub's, not
  // the event's own time, so that the answer is what a model showed then, late events and all.
  std::optional<std::int64_t> stored_ns;
};

struct ReplayEnd {
  std::uint64_t position = 0;  // the last message read; 0: none
  std::int64_t stored_ns = 0;  // when the hub stored it
};

struct ReplayOptions {
  std::function<bool()> stopping;               // asked after each batch; then kUnavailable
  std::function<void(std::uint64_t)> progress;  // messages read so far, all passes together
  // A message that is to be applied in a transaction of its own, and who is told when it was.
  std::function<bool(const projection::Incoming&)> alone;
  std::function<core::Result<void>(const projection::Incoming&)> after_alone;
};

// Reads hub streams from their first message into a new engine, up to a bound. Or it retraces a
// model by its marks: then the engine ends exactly where that model stands, whatever gaps, epochs,
// late events and operators made of the order there. One thread.
class Replay {
 public:
  // Both outlive it. The engine's database must be new.
  Replay(projection::Engine& engine, ReplaySource& source, ReplayOptions options = {})
      : engine_(engine), source_(source), options_(std::move(options)) {}

  // Goes on where it left this hub stream. kConfig: the hub stream has lost its beginning and the
  // model wants it whole.
  core::Result<ReplayEnd> read(const std::string& hub_stream, const ReplayBound& bound);

  // Instead: all hub streams of these marks. They may have moved on since the call before.
  // Engine::awaited() tells what was not there.
  enum class Until : std::uint8_t { kPositions, kEnd };
  core::Result<void> retrace(const projection::Marks& marks, Until until = Until::kPositions);
  // After that: what operators decided where nobody kept the place.
  core::Result<void> settle(const projection::Marks& marks);

  std::uint64_t messages() const { return messages_; }

 private:
  struct Place {
    projection::HubStream hub;
    std::uint64_t next = 1;
    std::uint64_t engine_next = 1;  // as the engine's position has it
    std::uint64_t first_beyond = 0;
    bool is_due = false;
    ReplayBound bound;
    ReplayEnd end;
  };
  core::Result<Place*> place_of(const std::string& hub_stream, bool is_retraced);
  core::Result<void> read_due(const projection::Marks* marks);
  core::Result<void> read_on(Place& place, MarkFilter* filter);
  core::Result<void> end_reached(Place& place);
  core::Result<void> take(Place& place, std::span<const projection::Incoming> batch,
                          MarkFilter* filter);
  core::Result<void> apply(Place& place, std::span<const projection::Incoming> batch);
  core::Result<void> turn_back();

  projection::Engine& engine_;
  ReplaySource& source_;
  ReplayOptions options_;
  std::map<std::string, Place> places_;
  std::uint64_t messages_ = 0;
};

}  // namespace sluice::hub
