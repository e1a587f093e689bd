// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/forks.hpp"

#include <algorithm>

namespace sluice::hub {
namespace {

using projection::Branch;

std::string events_text(std::uint64_t events) {
  return std::to_string(events) + (events == 1 ? " event" : " events");
}

void describe(Fork& fork, bool several_machines) {
  const std::string began = "epoch " + fork.epoch.text() + " follows epoch " + fork.previous.text();
  const std::string more = fork.events == 0 ? std::string()
                                            : ", of which " + events_text(fork.events) +
                                                  " are here that its log no longer had";
  switch (fork.kind) {
    case Fork::Kind::kLostTail:
      fork.words = began + more + ": the end of its log was lost";
      fork.to_do =
          "Nothing is missing here. Look for the cause at the gateway: a card that does not honour "
          "flush (sluice doctor, sluice plugtest), a deleted -wal file, a damaged disk. Events "
          "that "
          "it acknowledged and that never came here are gone: ask the devices to send again what "
          "they still have.";
      return;
    case Fork::Kind::kOldCopy:
    case Fork::Kind::kClone:
      fork.words = began + ", and so does another epoch" + more +
                   (several_machines ? ": two machines run from copies of one log"
                                     : ": an older copy of its log was brought back");
      fork.to_do =
          several_machines
              ? "Give one of the machines a name of its own (sluice clone-prepare); what both sent "
                "is kept apart and nothing is lost here."
              : "What the other copy held and had not sent lies on its card: sluice bundle export "
                "--state, and import it here. Do not restore a gateway's log from a backup.";
      return;
  }
}

Fork clone_of(const ReportKeeper::Gateway& report) {
  Fork fork;
  fork.kind = Fork::Kind::kClone;
  fork.gateway = report.report.gateway;
  fork.since_ns = report.received_ns;
  fork.words = "another machine reports under this name";
  if (report.machines.size() > 1) {
    fork.words = "these machines report in turn under this name:";
    for (const std::string& machine : report.machines)
      fork.words += (machine == report.machines.front() ? " " : ", ") + machine;
  }
  if (report.report.stopped_as_clone)
    fork.words += "; machine " + report.report.machine + " has stopped forwarding";
  fork.to_do =
      "Decide which machine goes on: there, sluice-uplink --takeover. Give the other one a name of "
      "its own: sluice clone-prepare, then a new [gateway] id.";
  return fork;
}

}  // namespace

const char* fork_word(Fork::Kind kind) {
  switch (kind) {
    case Fork::Kind::kLostTail:
      return "lost_tail";
    case Fork::Kind::kOldCopy:
      return "old_copy";
    case Fork::Kind::kClone:
      return "clone";
  }
  return "?";
}

std::vector<Fork> forks_of(const std::string& gateway, const std::vector<Branch>& branches,
                           const ReportKeeper::Gateway* report) {
  std::vector<Fork> forks;
  const bool is_clone = report != nullptr && report->is_clone();
  if (is_clone) forks.push_back(clone_of(*report));
  const bool several_machines = is_clone && report->machines.size() > 1;
  std::vector<std::pair<std::int64_t, Fork>> found;  // by the epoch's order
  for (const Branch& branch : branches) {
    if (branch.gateway != gateway) continue;
    auto known = std::find_if(found.begin(), found.end(),
                              [&](const auto& one) { return one.second.epoch == branch.epoch; });
    if (known == found.end()) {
      Fork fork;
      fork.gateway = gateway;
      fork.epoch = branch.epoch;
      fork.previous = branch.previous;
      known = found.insert(found.end(), {branch.order, std::move(fork)});
    }
    Fork& fork = known->second;
    known->first = std::max(known->first, branch.order);
    fork.events += branch.lost();
    fork.since_ns = std::max(fork.since_ns, branch.since_ns);
    if (branch.siblings > 0)
      fork.kind = several_machines ? Fork::Kind::kClone : Fork::Kind::kOldCopy;
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [order, fork] : found) {
    if (forks.size() >= kForksMax) break;
    // Of several that follow one epoch, the first did so rightly.
    const bool first_of_its_kind =
        fork.kind != Fork::Kind::kLostTail && fork.events == 0 &&
        std::any_of(found.begin(), found.end(), [&, mine = order](const auto& other) {
          return other.second.previous == fork.previous && other.first > mine;
        });
    if (first_of_its_kind) continue;
    describe(fork, several_machines);
    forks.push_back(std::move(fork));
  }
  return forks;
}

}  // namespace sluice::hub
