// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "sync/forwarder.hpp"
#include "tests/sync/sim_hub.hpp"
#include "tests/sync/sim_log.hpp"

namespace sluice::sync::sim {

// One machine: a card with a log, `sluiced` (the part that writes what the uplink says) and an
// uplink, whose questions wait in queues until the simulation lets them pass or loses them.
class SimMachine final : public SessionEffects {
 public:
  SimMachine(SimLog log, SimHub& hub, core::Random& random, const Time& now,
             ForwarderSettings settings);

  void start_sluiced();  // draws an epoch and lets the uplink in
  void kill_sluiced();   // acks that it had not written are gone
  void kill_uplink();    // a new one reads the log again
  void break_session();  // a part of what was on its way arrives, in order; no ack does
  bool step();           // lets one waiting thing happen; false: nothing waits
  void tick() {
    if (forwarder) forwarder->tick(now_);
  }
  void append(core::Lane lane, std::size_t data_bytes);
  void need(const codec::Need& need);
  void hub_changed();
  void commit_acks();
  bool quiet() const;  // all that this log has is acked, nothing waits

  SimLog log;
  std::unique_ptr<Forwarder> forwarder;
  bool running = false;
  bool may_forward = true;  // what the claim finds
  std::size_t alarms = 0;
  std::size_t rewinds = 0;
  std::size_t snapshots = 0;

  // SessionEffects
  void ask_anchor(core::Lane lane, const std::string& hub_stream,
                  const std::string& subject) override;
  void publish(core::Lane lane, std::uint64_t token, const Outgoing& message) override;
  void close_session(core::Error why) override;
  void read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
            std::size_t bytes) override;
  void record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) override;
  void rewind(core::Lane lane, core::Seq acked) override;
  void set_aside(core::Lane lane, const storage::SetAside& range) override;
  void alarm(std::string_view, const std::string&) override { ++alarms; }
  void rewound_by_hub(core::Lane, const Rewind&) override { ++rewinds; }
  void went_back(core::Lane, core::Seq, const std::string&) override { ++snapshots; }
  core::Recorded recorded() override { return {}; }
  std::int64_t clock_correction(const core::Recorded&) override { return 0; }
  std::uint64_t random_below(std::uint64_t bound) override { return random_.below(bound); }
  void connect() override;
  void ask_hub_stream() override;
  void claim() override;
  void ping() override;

 private:
  using Thing = std::function<void()>;
  void open_log();
  void let_uplink_in();
  void drop_session();

  ForwarderSettings settings_;
  SimHub& hub_;
  core::Random& random_;
  const Time& now_;
  std::deque<Thing> local_;  // to and from the log and sluiced
  std::deque<Thing> up_;     // to the hub, in order
  std::deque<Thing> down_;   // from the hub, in order
  std::vector<std::pair<core::Lane, std::vector<storage::Anchor>>> unwritten_;
  bool session_ = false;
  int sessions_ = 0;
};

}  // namespace sluice::sync::sim
