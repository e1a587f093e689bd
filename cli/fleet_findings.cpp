// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/centre_findings.hpp"
#include "cli/json_field.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kSilentAfterS = 900;  // docs/hub-api.md
// As the page has them: hub/web/lib/gateways.js.
constexpr double kDiskNearlyFull = 0.05;  // of it is free
constexpr double kDiskFewDays = 7;
constexpr std::int64_t kClockOffS = 60;
// What an answer takes to come is in a difference of clocks.
constexpr std::int64_t kClocksAgreeS = 5;

constexpr const char* kTimesOnly = "Order and delivery do not depend on it; times do.";

// A clock may be centuries off, which is more than a duration holds.
std::string seconds_text(std::int64_t seconds) {
  constexpr std::int64_t kMax = 9'000'000'000;
  return core::human_duration(std::abs(std::clamp(seconds, -kMax, kMax)) * kSecondNs);
}

std::string ahead_text(std::int64_t seconds) {
  return seconds_text(seconds) + (seconds > 0 ? " ahead of" : " behind");
}

std::string gateways_text(std::uint64_t n) {
  return with_thousands(n) + (n == 1 ? " gateway" : " gateways");
}

void look_at_disk(const json::object& gateway, const std::string& name, std::vector<Finding>& out) {
  const json::object* disk = object_at(gateway, "disk");
  if (disk == nullptr) return;
  const auto free = real_at(*disk, "free_bytes");
  const auto total = real_at(*disk, "total_bytes");
  const auto days = real_at(*disk, "days_left");
  constexpr const char* kMakeRoom =
      "Make room there, or bring its link back: what the hub has goes first, and then each lane's "
      "policy decides what is refused or dropped. On the gateway: sluice status";
  if (free && total && *total > 0 && *free / *total < kDiskNearlyFull)
    out.push_back(failed(name + ": its disk is nearly full, " +
                             core::human_bytes(number_at(*disk, "free_bytes")) + " of " +
                             core::human_bytes(number_at(*disk, "total_bytes")) + " are free",
                         kMakeRoom));
  else if (days && *days < kDiskFewDays)
    out.push_back(
        warn(name + ": its disk is full in " +
                 core::human_duration(static_cast<std::int64_t>(std::max(0.0, *days) * 86400e9)) +
                 " at the pace of the last hours",
             kMakeRoom));
}

// Whether it trusts its clock and is off the NATS server's all the same.
bool look_at_clock(const json::object& gateway, const std::string& name,
                   std::vector<Finding>& out) {
  const json::object* clock = object_at(gateway, "clock");
  if (clock == nullptr) return false;
  const bool trusted = flag_at(*clock, "trusted");
  if (clock->contains("trusted") && !trusted)
    out.push_back(warn(name + " does not trust its clock",
                       std::string(kTimesOnly) + " Give it NTP or an RTC."));
  const json::value* field = clock->if_contains("off_s");
  const std::int64_t off_s = field != nullptr && field->is_int64() ? field->get_int64() : 0;
  if (off_s <= kClockOffS && off_s >= -kClockOffS) return false;
  out.push_back(warn(name + ": its clock is off, " + ahead_text(off_s) + " the NATS server's",
                     std::string(kTimesOnly) +
                         " On the gateway: timedatectl; then see the check of the clock here."));
  return trusted;
}

// How the whole fleet looks.
struct Fleet {
  std::uint64_t all = 0;
  std::uint64_t live = 0;
  std::uint64_t silent = 0;
  std::uint64_t misjudged = 0;  // silent for sluice-hub, and not by the NATS server's clock
  std::uint64_t future = 0;     // whose newest report is later than sluice-hub's now
  std::uint64_t off = 0;        // whose clock is trusted, and off the NATS server's
};

void look_at_fleet(const Fleet& fleet, std::vector<Finding>& out) {
  if (fleet.misjudged > 0)
    out.push_back(warn(gateways_text(fleet.misjudged) +
                           " that sluice-hub calls silent reported in time by the NATS server's "
                           "clock",
                       "sluice-hub's clock is off: see the check of the clock."));
  if (fleet.future * 2 > fleet.all)
    out.push_back(failed("the newest report of " + gateways_text(fleet.future) + " of " +
                             with_thousands(fleet.all) +
                             " lies in the future: sluice-hub's clock is behind the NATS server's",
                         "timedatectl on both machines; give NTP to the one that is wrong. Until "
                         "then no gateway is called silent."));
  if (fleet.all > 1 && fleet.off * 2 > fleet.all)
    out.push_back(warn(gateways_text(fleet.off) + " of " + with_thousands(fleet.all) +
                           " trust their clocks and are off the NATS server's",
                       "Rather its clock is wrong than all of theirs: timedatectl on its "
                       "machine."));
  if (fleet.silent > 1 && fleet.silent == fleet.all)
    out.push_back(warn("no gateway reports",
                       "So many at once: rather the way between them and NATS than each of "
                       "them."));
}

// Since its newest report, which the NATS server dated.
std::int64_t age_s(const json::object& gateway, std::optional<std::int64_t> now_ns,
                   std::int64_t hub_ahead_s) {
  const auto received_ns = time_at(gateway, "received_at");
  if (!received_ns || !now_ns) return static_cast<std::int64_t>(number_at(gateway, "age_s"));
  return *now_ns / kSecondNs - *received_ns / kSecondNs - hub_ahead_s;
}

}  // namespace

std::vector<Finding> findings_of_gateways(const json::object& gateways,
                                          const Surroundings& around) {
  std::vector<Finding> out;
  Fleet fleet;
  const auto now_ns = time_at(gateways, "now");
  for (const json::object* gateway : objects_at(gateways, "gateways")) {
    ++fleet.all;
    const std::string name = text_at(*gateway, "gateway");
    const std::string state = text_at(*gateway, "state");
    const std::int64_t age = age_s(*gateway, now_ns, around.hub_ahead_s.value_or(0));
    if (age < -kClockOffS) ++fleet.future;
    if (state == "clone") {
      out.push_back(failed(name + ": two machines report as this gateway",
                           "Stop the wrong one, then on the right one: sluice-uplink --takeover"));
    } else if (age > kSilentAfterS) {
      ++fleet.silent;
      out.push_back(warn(name + " has not reported for " +
                             with_thousands(static_cast<std::uint64_t>(age) / 60) + " min",
                         "Its events wait on its own disk. On the gateway: sluice doctor"));
    } else {
      ++fleet.live;
      if (state == "silent") ++fleet.misjudged;
    }
    if (const std::string error = text_at(*gateway, "last_error"); !error.empty())
      out.push_back(warn(name + " reports: " + error, "On the gateway: sluice doctor"));
    look_at_disk(*gateway, name, out);
    if (look_at_clock(*gateway, name, out)) ++fleet.off;
    for (const json::object* fork : objects_at(*gateway, "forks"))
      out.push_back(warn(name + ": " + text_at(*fork, "words"), text_at(*fork, "do")));
  }
  look_at_fleet(fleet, out);
  if (flag_at(gateways, "connected") || !gateways.contains("connected"))
    out.push_back(
        found(gateways_text(fleet.live) + (fleet.live == 1 ? " reports" : " report") + " in time"));
  else
    out.push_back(
        failed("sluice-hub cannot read the gateways' reports: " + text_at(gateways, "last_error"),
               around.nats_answers
                   ? "Is the bucket there (sluice provision), and its login allowed to read it? "
                     "docs/hub-api.md has the exact rights."
                   : "See above: NATS does not let doctor in either."));
  return out;
}

Finding finding_of_clock(const std::string& whose, std::int64_t ahead_s) {
  if (ahead_s >= -kClocksAgreeS && ahead_s <= kClocksAgreeS)
    return found(whose + " clock agrees with the NATS server's");
  const std::string words = whose + " clock is " + ahead_text(ahead_s) + " the NATS server's";
  const std::string next_step =
      "timedatectl on both machines; give NTP to the one that is wrong. Order and delivery do not "
      "depend on it; how old reports and events are said to be, and who is called silent, does.";
  return std::abs(ahead_s) > kClockOffS ? failed(words, next_step) : warn(words, next_step);
}

}  // namespace sluice::cli
