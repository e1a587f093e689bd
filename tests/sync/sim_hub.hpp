// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "projection/gate/arrival.hpp"
#include "projection/gate/gate.hpp"
#include "projection/gate/memory_store.hpp"
#include "sync/effects.hpp"
#include "sync/pub_ack.hpp"

namespace sluice::sync::sim {

// A hub stream: ordered, with a dedup window, limits that refuse, and a store that can be lost.
class SimHub {
 public:
  struct Stored {
    std::string subject, identity, body;
    Time at{0};
  };
  PubAnswer publish(const std::string& subject, const std::string& identity, std::string_view body,
                    Time now);
  std::optional<StoredMessage> last_of(const std::string& subject) const;
  HubStream info() const;

  void stranger(Time now) { store({"ev.main.other.bulk.x.Y", "other", {}, now}); }
  void cut_back(std::uint64_t last);  // an older copy of the store
  void recreate();
  void age_out(std::uint64_t below);

  bool full = false;            // refuses everything
  int refuse_in = -1;           // refuses one message after that many
  std::size_t bytes_max = 600;  // of one message; larger ones are never taken
  std::uint64_t first_seq = 1;
  std::uint64_t last_seq = 0;
  std::uint64_t generation = 1;  // readers begin again when it changes
  std::map<std::uint64_t, Stored> messages;
  std::set<std::string> taken;  // identities, since it was made: also what has aged out

 private:
  std::uint64_t store(Stored message);
  std::map<std::string, std::pair<std::uint64_t, Time>> known_;  // the dedup window: RAM
  int creations_ = 1;
};

// A read model's gate behind the hub stream, and what it has let through.
class SimReader final : public projection::GateSink {
 public:
  SimReader() : gate_(store_, projection::GateSettings{}) {}
  // Reads up to `limit` messages. False: a message was refused as poison, or applied twice.
  bool read(const SimHub& hub, std::size_t limit);
  bool at_end(const SimHub& hub) const { return hub.generation == seen_ && next_ > hub.last_seq; }
  std::vector<projection::Hole> holes();
  void skip(const projection::Hole& hole);
  bool applied(core::Epoch epoch, core::Lane lane, core::Seq seq) const {
    return applied_.contains({epoch, lane, seq});
  }
  bool was_late(core::Epoch epoch, core::Lane lane, core::Seq seq) const {
    return late_.contains({epoch, lane, seq});
  }
  // Stepped over by a gap record or a skip.
  bool given_up(core::Epoch epoch, core::Lane lane, core::Seq seq);
  std::string problem;
  std::string rows(core::Lane lane) const;

  core::Result<void> apply(const projection::Applied& applied) override;
  core::Result<void> late(const core::EventView& event, std::string_view, std::uint64_t) override;

 private:
  using Key = std::tuple<core::Epoch, core::Lane, core::Seq>;
  projection::MemoryGateStore store_;
  projection::Gate gate_;
  std::set<Key> applied_, late_;
  std::uint64_t seen_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace sluice::sync::sim
