// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/report_keeper.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;

core::Result<void> ReportKeeper::take(std::string_view gateway, std::string_view payload,
                                      std::int64_t received_ns) {
  if (!core::GatewayId::parse(gateway))
    return fail(Errc::kBadRequest, core::printable(gateway) + " is no gateway's id");
  auto report = codec::decode_report(payload);
  if (!report) return report.error();
  if (report->gateway != gateway)
    return fail(Errc::kBadRequest, "a report under " + core::printable(gateway) + " names " +
                                       core::printable(report->gateway));
  const std::lock_guard lock(mutex_);
  auto found = entries_.find(gateway);
  if (found == entries_.end()) {
    if (entries_.size() >= kGatewaysMax)
      return fail(Errc::kLimit, "more gateways report than " + std::to_string(kGatewaysMax));
    found = entries_.emplace(std::string(gateway), Entry{}).first;
  }
  Entry& entry = found->second;
  auto machine = std::find_if(entry.machines.begin(), entry.machines.end(),
                              [&](const Machine& seen) { return seen.name == report->machine; });
  if (machine == entry.machines.end()) {
    if (entry.machines.size() >= kMachinesMax)
      entry.machines.erase(std::min_element(
          entry.machines.begin(), entry.machines.end(),
          [](const Machine& a, const Machine& b) { return a.last_ns < b.last_ns; }));
    machine = entry.machines.insert(entry.machines.end(),
                                    Machine{report->machine, received_ns, received_ns});
  }
  machine->last_ns = std::max(machine->last_ns, received_ns);
  entry.trends.take(*report, received_ns);
  entry.report = std::move(*report);
  entry.received_ns = received_ns;
  return {};
}

void ReportKeeper::remove(std::string_view gateway) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(gateway); found != entries_.end()) entries_.erase(found);
}

ReportKeeper::Gateway ReportKeeper::describe(const Entry& entry, std::int64_t now_ns) {
  Gateway gateway{entry.report, entry.received_ns, {}, entry.trends};
  // A board that was replaced reports before, its successor after. Two that report in turn are
  // both live: their times interleave.
  for (const Machine& a : entry.machines) {
    const bool interleaves =
        now_ns - a.last_ns <= kMachineLiveNs &&
        std::any_of(entry.machines.begin(), entry.machines.end(), [&](const Machine& b) {
          return a.name != b.name && now_ns - b.last_ns <= kMachineLiveNs &&
                 a.first_ns <= b.last_ns && b.first_ns <= a.last_ns;
        });
    if (interleaves) gateway.machines.push_back(a.name);
  }
  return gateway;
}

std::vector<ReportKeeper::Gateway> ReportKeeper::all(std::int64_t now_ns) const {
  const std::lock_guard lock(mutex_);
  std::vector<Gateway> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(describe(entry, now_ns));
  return out;
}

std::vector<std::string> ReportKeeper::gateways() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(name);
  return out;
}

std::optional<ReportKeeper::Gateway> ReportKeeper::one(std::string_view gateway,
                                                       std::int64_t now_ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(gateway);
  if (found == entries_.end()) return std::nullopt;
  return describe(found->second, now_ns);
}

}  // namespace sluice::hub
