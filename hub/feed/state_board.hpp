// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "projection/engine/engine.hpp"

namespace sluice::hub {

// What an engine's database said of itself at one instant.
struct EngineState {
  projection::EngineTotals totals;
  std::vector<projection::LaneState> lanes;     // at most kLanesMax
  std::vector<projection::Hole> holes;          // at most kHolesMax
  std::vector<projection::ParkedEvent> parked;  // Engine::parked_heads, at most kParkedMax
  std::vector<projection::Branch> branches;     // read once in three seconds at most
  std::uint64_t branches_ns = 0;                // when: monotonic
  std::uint64_t read_ns = 0;                    // when all else was read: monotonic
  std::uint64_t age_s(const core::Clock& clock) const;
  bool blocked() const;  // a lane's share of the hold table is full

  static constexpr std::size_t kLanesMax = 10'000;
  static constexpr std::size_t kHolesMax = 1'000;
  static constexpr std::size_t kParkedMax = 1'000;
  static constexpr std::size_t kBranchesMax = 1'000;
};

// The state of one engine for those who must not wait for its database, as operators: who asks gets
// what is true now if the engine answers within kPatience, else what it said last. An engine that
// hangs is waited for once, not by each who asks. Any thread.
class StateBoard {
 public:
  using Said = core::Result<std::shared_ptr<const EngineState>>;
  // Runs its argument with nobody else in the engine; may block as a database does.
  using WithEngine = std::function<void(const std::function<void(projection::Engine&)>&)>;

  StateBoard(WithEngine with_engine, const core::Clock& clock);
  ~StateBoard();  // waits for a read under way
  StateBoard(const StateBoard&) = delete;
  StateBoard& operator=(const StateBoard&) = delete;

  // For who is in the engine again and again, and would leave no room for others.
  void read_if_asked(projection::Engine& engine);

  // Two steps, so that several boards are waited for at once: ask all, then look at each.
  std::uint64_t ask();
  // The newest, read after ask() gave `ticket` if that comes in time. An error is what the database
  // answered; kUnavailable also if it never did.
  Said newest(std::uint64_t ticket) const;

  static constexpr std::chrono::milliseconds kPatience{500};

 private:
  using Instant = std::chrono::steady_clock::time_point;
  void run();

  const WithEngine with_engine_;
  const core::Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable asked_bell_;
  mutable std::condition_variable answered_bell_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  Instant waits_since_;  // the oldest of those not answered
  Said said_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace sluice::hub
