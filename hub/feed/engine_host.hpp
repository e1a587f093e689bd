// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "hub/feed/changes.hpp"
#include "hub/feed/need_tracker.hpp"
#include "hub/feed/state_board.hpp"
#include "projection/engine/engine.hpp"

namespace sluice::hub {

// One engine, which its feeds (a thread per shard) and the API take in turn. Any thread.
class EngineHost {
 public:
  // `label` tells it from others of the hub, in logs and for the NeedDesk: "pumps v3".
  EngineHost(std::string label, std::unique_ptr<projection::Engine> engine)
      : label_(std::move(label)), engine_(std::move(engine)) {}
  virtual ~EngineHost() = default;
  EngineHost(const EngineHost&) = delete;
  EngineHost& operator=(const EngineHost&) = delete;

  const std::string& label() const { return label_; }
  const projection::Model& model() const { return engine_->model(); }
  const std::string& name() const { return model().name(); }
  // Whose stamps (projection/engine/stamps.hpp) are those of this engine.
  std::int64_t writer() const { return engine_->writer(); }

  // Runs `work(Engine&)` with nobody else in the engine.
  template <class Work>
  auto with_engine(const Work& work) {
    const std::lock_guard lock(engine_mutex_);
    return work(*engine_);
  }

  // Before a hub stream is read, in each session: `last` is its last sequence now. A reactor keeps
  // from where on it is not silent.
  virtual core::Result<void> about_to_read(const projection::HubStream&, std::uint64_t last) {
    static_cast<void>(last);
    return {};
  }
  // After each batch of a feed, with nobody else in the engine: a feed in haste leaves others no
  // room, so it tells them what they wait for.
  virtual void after_batch(projection::Engine&) {}
  // What its commits did to rows: whoever commits through the engine says so here.
  Changes& changes() { return changes_; }
  const Changes& changes() const { return changes_; }

  // What the engine waits for, as far as `shard` brings it: a hole of a gateway that was last seen
  // on another shard is that one's. At most kHolesMax.
  struct Missing {
    std::vector<MissingRange> ranges;
    std::int64_t since_ns = 0;  // when the oldest of them began to hold events back
  };
  core::Result<Missing> missing(std::string_view shard);
  void saw_gateway(std::string_view gateway, std::string_view shard);
  static constexpr std::size_t kHolesMax = EngineState::kHolesMax;

 private:
  const std::string label_;
  std::mutex engine_mutex_;
  const std::unique_ptr<projection::Engine> engine_;
  Changes changes_;
  std::mutex shards_mutex_;
  std::unordered_map<std::string, std::string> shard_of_;  // gateway -> shard
};

}  // namespace sluice::hub
