// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.hpp"
#include "core/codec/event_codec.hpp"
#include "core/machine.hpp"
#include "core/text.hpp"
#include "rpc/value.hpp"

// Whether the log's history is one: what it tells of forks, and whose machine it is.
namespace sluice::cli {
namespace {

struct SeenFork {
  std::string kind, words, to_do;
  std::int64_t wall_ns = 0;
};

// The newest ForkSeen that the log retains.
std::optional<SeenFork> newest_fork(storage::LogReader& log) {
  std::optional<SeenFork> newest;
  const core::StreamName stream{std::string(core::kReservedCategory), "fork"};
  for (std::uint64_t from = 1;;) {
    const auto page = log.read_stream(stream, from, core::limits::kReaderRows);
    if (!page || page->empty()) return newest;
    for (const storage::Record& record : *page) {
      const auto event = codec::decode_event(record.body);
      if (!event) return newest;
      from = event->version + 1;
      const auto map = rpc::Value::parse(event->data);
      if (event->type != "ForkSeen" || !map) continue;
      const auto text = [&](const char* key) {
        return std::string(map->find(key).text().value_or(""));
      };
      newest = SeenFork{text("kind"), text("words"), text("do"), event->recorded.wall_ns};
    }
  }
}

}  // namespace

Finding check_history(Patient& patient) {
  if (!patient.log) return skipped("there is no log");
  const auto epochs = patient.log->epochs(core::Lane::kSystem);
  if (!epochs || epochs->empty()) return skipped("the log does not say");
  const std::string& then = epochs->back().machine;
  const std::string now = patient.uplink && !patient.uplink->machine.empty()
                              ? patient.uplink->machine
                              : core::machine_identity();
  if (!then.empty() && then != now)
    return warn(
        "the log was last written on machine " + then + ", this is " + now,
        "If that machine still runs as this gateway, the two are clones: give one of them "
        "a name of its own (sluice clone-prepare). If its board was replaced, all is well.");
  if (const auto fork = newest_fork(*patient.log))
    return warn("the log came apart (" + fork->kind + ", " +
                    core::format_time(fork->wall_ns / 1'000'000'000 * 1'000'000'000) +
                    "): " + fork->words,
                fork->to_do);
  return found("written on this machine (" + now + "), " + std::to_string(epochs->size()) +
               (epochs->size() == 1 ? " start" : " starts") + " retained, no fork seen");
}

}  // namespace sluice::cli
