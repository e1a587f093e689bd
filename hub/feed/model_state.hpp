// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::hub {

// What the hub said about a hub stream when last asked.
struct HubStreamFacts {
  std::string name;
  std::string created;  // as the server writes it; compared as text only
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// Where a model stands on one hub stream, as its database has it.
struct KeptPosition {
  std::string hub_stream;
  std::string created;
  std::uint64_t sequence = 0;
  std::string identity;  // Nats-Msg-Id of the message there
};

enum class Resume {
  kGoOn,       // read on right after the position
  kFromFirst,  // the hub stream is not what it was: read all of it, the gate skips what is known
};

// `identity_there` is the Nats-Msg-Id of the message at the position, nullopt if there is none.
// A position below the hub stream's first message has aged out: reading on is reading all of it.
Resume decide_resume(const KeptPosition& kept, const HubStreamFacts& facts,
                     const std::optional<std::string>& identity_there);

// Where one model stands, from what was last seen of it on one shard.
struct Progress {
  bool connected = false;
  std::uint64_t position = 0;
  std::uint64_t hub_last = 0;
  std::uint64_t moved_ns_ago = 0;  // since the position last moved, or since it was caught up
  bool blocked = false;            // a lane's share of the hold table is full
  std::uint64_t lag() const { return hub_last > position ? hub_last - position : 0; }
  bool caught_up() const { return connected && lag() == 0; }
};

// Derived, never stored: running (caught up, or nearly), lagging (behind and moving), stalled
// (behind and not moving, or no connection), blocked (a lane cannot go on until its hole closes).
enum class ModelState { kRunning, kLagging, kStalled, kBlocked };
inline constexpr std::uint64_t kNearlyCaughtUp = 1000;  // events
inline constexpr std::uint64_t kStalledAfterNs = 30'000'000'000;
ModelState derive_state(const Progress& progress);
std::string_view state_word(ModelState state);
// The state that matters most comes first in this order: stalled, blocked, lagging, running.
ModelState worse(ModelState a, ModelState b);

}  // namespace sluice::hub
