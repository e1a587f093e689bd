// SPDX-License-Identifier: Apache-2.0
// Lane, uplink, hub stream and gate as one seeded simulation: refusals, drops, lost acks, kills,
// cut tails, old copies, clones, trims, a hub cut back, re-created or aged out. What is still in a
// log at the end must have taken effect exactly once, and nothing may wait for ever once the
// operator has said what only an operator can say.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sync/sim_machine.hpp"

namespace sluice::sync::sim {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    settings_.window.events_max = 16;
    settings_.window.bytes_max = 4096;
    settings_.link.bytes_max = 4096;
    settings_.link.bytes_min = 512;
    // Some lanes of some gateways are metered; some rewinds wait for an operator.
    for (auto& budget : settings_.budgets) budget = chance(6) == 0 ? 1'500 + chance(6'000) : 0;
    if (chance(3) == 0) settings_.window.rewind_ask_bytes = 200 + chance(20'000);
    settings_.hub_look_interval = Time(60'000 + chance(600'000));
    if (chance(2) == 0) settings_.window.rewind_jitter = Time(chance(5'000));
    machines_.push_back(std::make_unique<SimMachine>(SimLog(), hub_, random_, now_, settings_));
    machines_[0]->start_sluiced();
  }

  std::size_t asked() const { return asked_; }  // rewinds that an operator had to allow
  // Empty: all is well.
  std::string go() {
    const auto steps = 150 + chance(400);
    for (std::uint64_t i = 0; i < steps && reader_.problem.empty(); ++i) act();
    settle();
    if (!reader_.problem.empty()) return reader_.problem;
    return verdict();
  }

 private:
  std::uint64_t chance(std::uint64_t of) { return random_.below(of); }
  SimMachine& some() { return *machines_[chance(machines_.size())]; }

  void act() {
    switch (chance(14)) {
      case 0:
      case 1:
      case 2:
        return append();
      case 3:
      case 4:
      case 5:
      case 6:
        return pass(chance(60));
      case 7:
        return pass_time(Time(chance(3'000)));
      case 8:
        return void(reader_.read(hub_, chance(80)));
      case 9:
        if (chance(4) == 0) allow();
        for (auto& machine : machines_)
          if (machine->forwarder) machine->forwarder->flush_acks();
        if (chance(2) == 0) some().commit_acks();
        return;
      case 10:
        return ask_for_holes();
      case 11:
        return gateway_fault();
      case 12:
        return hub_fault();
      default:
        return trim();
    }
  }

  void append() {
    auto& machine = some();
    const auto lane = core::kLanes[chance(4)];
    for (auto count = 1 + chance(25); count > 0; --count)
      machine.append(lane, chance(100) == 0 ? 900 : 8 + chance(40));
  }

  void pass(std::uint64_t things) {
    for (; things > 0; --things) some().step();
  }

  void pass_time(Time time) {
    now_ += time;
    for (auto& machine : machines_) machine->tick();
  }

  void gateway_fault() {
    auto& machine = some();
    switch (chance(8)) {
      case 0:
      case 1:
        return machine.break_session();
      case 2:
        return machine.kill_uplink();
      case 3:
        machine.kill_sluiced();
        return machine.start_sluiced();
      case 4: {  // a power cut takes what the card had promised
        machine.kill_sluiced();
        for (auto lane : core::kLanes) {
          const auto last = machine.log.at(lane).last;
          machine.log.cut_tail(lane, last - std::min<core::Seq>(last, chance(30)));
        }
        return machine.start_sluiced();
      }
      case 5:  // the card is copied ...
        copy_ = machine.log;
        return;
      case 6:  // ... and put back into the same machine
        if (!copy_) return;
        machine.kill_sluiced();
        machine.log = *copy_;
        return machine.start_sluiced();
      default:
        return clone();
    }
  }

  // The copy goes into another machine, which stops until told, since the first one is alive.
  void clone() {
    if (!copy_ || machines_.size() > 1) return;
    machines_.push_back(std::make_unique<SimMachine>(*copy_, hub_, random_, now_, settings_));
    machines_.back()->may_forward = false;
    machines_.back()->start_sluiced();
  }

  void hub_fault() {
    switch (chance(9)) {
      case 0:
      case 1:
        hub_.full = !hub_.full;
        return;
      case 2:
      case 3:
        hub_.refuse_in = static_cast<int>(chance(12));
        return;
      case 4:
        return hub_.stranger(now_);
      case 5:  // the leader goes: its connections with it
        for (auto& machine : machines_) machine->break_session();
        return;
      case 6: {
        const bool noticed = chance(2) == 0;
        if (noticed)
          for (auto& machine : machines_) machine->break_session();
        is_to_be_whole_ = false;  // strangers may hide it, and `need` asks for holes only
        hub_.cut_back(hub_.last_seq - std::min<std::uint64_t>(hub_.last_seq, chance(60)));
        if (chance(2) == 0)
          for (auto more = chance(80); more > 0; --more) hub_.stranger(now_);
        return;
      }
      case 7:
        if (chance(3) != 0) return;
        if (chance(2) == 0)  // else under live links, which nothing tells of it
          for (auto& machine : machines_) machine->break_session();
        hub_.recreate();
        is_to_be_whole_ = true;
        if (chance(2) == 0)
          for (auto more = chance(1'000); more > 0; --more) hub_.stranger(now_);
        if (chance(2) == 0)
          for (auto& machine : machines_) machine->hub_changed();
        return;
      default:
        // Readers keep up with what ages out, or the events are gone by the hub's own settings.
        if (!reader_.at_end(hub_)) return;
        return hub_.age_out(hub_.first_seq + chance(30));
    }
  }

  void trim() {
    auto& machine = some();
    const auto lane = core::kLanes[chance(4)];
    machine.log.trim(lane, machine.log.at(lane).first() + chance(20));
  }

  void ask_for_holes() {
    if (!reader_.at_end(hub_)) return;
    for (const auto& hole : reader_.holes())
      for (auto& machine : machines_)
        if (machine->may_forward) machine->need({hole.epoch, hole.lane, hole.from, hole.to});
  }

  // No more faults: everything comes to rest, one machine after the other if one of them is a
  // clone.
  void settle() {
    hub_.full = false;
    hub_.refuse_in = -1;
    // A cut that strangers hide shows with the lane's next event, or with the next connection.
    for (auto& machine : machines_)
      for (auto lane : core::kLanes) machine->append(lane, 8);
    drain();
    if (machines_.size() > 1 && reader_.problem.empty()) {
      machines_[0]->may_forward = false;
      machines_[0]->forwarder->stop_as_clone("the other one was told to go on");
      machines_[1]->may_forward = true;
      machines_[1]->forwarder->go_on(now_);
      drain();
    }
  }

  void allow() {
    for (auto& machine : machines_)
      if (machine->forwarder && machine->forwarder->asks()) {
        ++asked_;
        machine->forwarder->allow_rewinds(now_);
      }
  }

  void drain() {
    int looked = 0;
    for (int round = 0; round < 400 && reader_.problem.empty(); ++round) {
      for (int i = 0; i < 3000; ++i) {
        bool any = false;
        for (auto& machine : machines_) any = machine->step() || any;
        if (!any) break;
      }
      allow();
      for (auto& machine : machines_) {
        if (machine->forwarder) machine->forwarder->flush_acks();
        machine->commit_acks();
      }
      while (reader_.problem.empty() && !reader_.at_end(hub_)) reader_.read(hub_, 1000);
      if (quiet() && reader_.holes().empty()) {
        // What others hid shows when the hub stream is looked at once more.
        if (looked++) return;
        pass_time(settings_.hub_look_interval);
      }
      if (quiet() && round > 0 && round % 4 == 0) ask_for_holes();
      // The dedup window passes too: what the hub lost and still knows the id of comes through
      // then.
      pass_time(round % 4 == 3 ? Time(61'000) : Time(2'000));
      if (round > 300 && quiet()) break;
    }
  }

  bool quiet() const {
    for (const auto& machine : machines_)
      if (!machine->quiet()) return false;
    return true;
  }

  bool in_a_log(core::Epoch epoch, core::Lane lane, core::Seq seq) const {
    for (const auto& machine : machines_) {
      const auto& of = machine->log.at(lane);
      if (!of.rows.contains(seq)) continue;
      const auto event = codec::decode_trusted(of.rows.at(seq));
      if (event && event->epoch == epoch) return true;
    }
    return false;
  }

  std::string verdict() {
    // Holes that are left are the operator's, unless some log has what is missing.
    for (int skips = 0; skips < 200; ++skips) {
      const auto holes = reader_.holes();
      if (holes.empty()) break;
      for (const auto& hole : holes) {
        if (hole.kind == projection::Hole::Kind::kMissing)
          for (auto seq = hole.from; seq <= hole.to; ++seq)
            if (in_a_log(hole.epoch, hole.lane, seq))
              return "stalled: the log has " + name(hole.epoch, hole.lane, seq) +
                     describe(hole.lane);
        if (std::getenv("SLUICE_SIM_TRACE") != nullptr)
          std::fprintf(stderr, "skip %s [%lu, %lu] kind %d\n",
                       name(hole.epoch, hole.lane, 0).c_str(), hole.from, hole.to,
                       static_cast<int>(hole.kind));
        reader_.skip(hole);
      }
    }
    if (!reader_.holes().empty()) return "stalled: holes that skipping does not close";
    for (const auto& machine : machines_) {
      if (machine->may_forward && !machine->quiet()) return "stalled: the uplink is not done";
      for (auto lane : core::kLanes) {
        for (const auto& [seq, body] : machine->log.at(lane).rows) {
          const auto event = codec::decode_trusted(body);
          if (reader_.applied(event->epoch, lane, seq) || reader_.was_late(event->epoch, lane, seq))
            continue;
          if (body.size() > hub_.bytes_max) continue;  // its gap record stands for it
          // One card trimmed or lost it and said so, while a copy of the card still has it.
          if (copy_ && (reader_.given_up(event->epoch, lane, seq) || trimmed_elsewhere(lane, seq)))
            continue;
          return "lost: " + name(event->epoch, lane, seq) + describe(lane);
        }
      }
    }
    return verdict_on_hub();
  }

  // Made anew, the hub stream has all that the log retains, also what no reader lacks.
  std::string verdict_on_hub() const {
    if (!is_to_be_whole_ || machines_.size() > 1) return {};
    for (auto lane : core::kLanes)
      for (const auto& [seq, body] : machines_[0]->log.at(lane).rows) {
        const auto event = codec::decode_trusted(body);
        const core::Identity identity{std::string(kGateway), event->epoch, lane, seq, 0};
        if (body.size() <= hub_.bytes_max && !hub_.taken.contains(identity.text()))
          return "not filled again: " + identity.text() + describe(lane);
      }
    return {};
  }

  // Acked once, and the other card no longer has it: an epoch before all that the gate asked for.
  bool trimmed_elsewhere(core::Lane lane, core::Seq seq) const {
    for (const auto& machine : machines_)
      if (machine->log.at(lane).first() > seq) return true;
    return false;
  }

  // For whoever looks into a seed that failed.
  std::string describe(core::Lane lane) const {
    std::string out;
    for (const auto& machine : machines_) {
      const auto& of = machine->log.at(lane);
      out += "\n  log [" + std::to_string(of.first()) + ", " + std::to_string(of.last) +
             "] acked " + std::to_string(machine->forwarder->lane(lane).acked()) + " epochs";
      for (const auto& epoch : of.epochs)
        out += " " + epoch.epoch.text() + "@" + std::to_string(epoch.first_seq);
      for (const auto& range : of.set_aside)
        out += " aside " + std::to_string(range.from) + "-" + std::to_string(range.to);
    }
    out += reader_.rows(lane);
    out +=
        "\n  hub [" + std::to_string(hub_.first_seq) + ", " + std::to_string(hub_.last_seq) + "]";
    for (const auto& [seq, message] : hub_.messages)
      if (message.identity.find(core::lane_name(lane)) != std::string::npos)
        out += " " + message.identity.substr(8, 4) + message.identity.substr(24);
    return out;
  }

  static std::string name(core::Epoch epoch, core::Lane lane, core::Seq seq) {
    return epoch.text() + "." + std::string(core::lane_name(lane)) + "." + std::to_string(seq);
  }

  core::SeededRandom random_;
  ForwarderSettings settings_;
  Time now_{1'000};
  SimHub hub_;
  SimReader reader_;
  std::vector<std::unique_ptr<SimMachine>> machines_;
  std::optional<SimLog> copy_;
  std::size_t asked_ = 0;
  bool is_to_be_whole_ = false;  // the hub stream was made anew, and not cut back since
};

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, NoneOfTenThousandSeededRunsLosesOrDoublesOrStalls) {
  const auto first = setting("SLUICE_SIM_SEED", 1);
  const auto runs = setting("SLUICE_SIM_RUNS", 10'000);
  std::size_t failures = 0;
  std::size_t asked = 0;
  for (std::uint64_t seed = first; seed < first + runs && failures < 5; ++seed) {
    World world(seed);
    const std::string problem = world.go();
    asked += world.asked();
    if (problem.empty()) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << ": " << problem;
  }
  if (runs < 1'000) return;
  EXPECT_GT(asked, runs / 100) << "rewinds that ask are part of the simulation";
}

}  // namespace
}  // namespace sluice::sync::sim
