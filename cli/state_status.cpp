// SPDX-License-Identifier: Apache-2.0
#include "cli/state_status.hpp"

#include <sys/statvfs.h>

#include <filesystem>

#include "cli/event_source.hpp"
#include "cli/seen_forks.hpp"
#include "storage/log_reader.hpp"

namespace sluice::cli {
namespace {

using core::Result;
namespace json = core::json;

Result<json::object> lane_document(storage::LogReader& log, core::Lane lane) {
  const auto state = log.lane_state(lane);
  if (!state) return state.error();
  json::object document{{"first", state->first},
                        {"last", state->last},
                        {"acked", state->acked},
                        {"bytes", state->bytes},
                        {"segments", state->segments},
                        {"streams", state->streams},
                        {"oldest_unacked_wall_ns", state->oldest_unacked_wall_ns}};
  if (const auto aside = log.set_aside(lane); aside && !aside->empty())
    document["set_aside"] = aside->size();
  if (const auto epochs = log.epochs(lane); epochs && !epochs->empty())
    document["epoch"] = epochs->back().epoch.text();
  return document;
}

}  // namespace

Result<json::value> status_of_folder(const std::string& state) {
  const std::filesystem::path folder = log_folder(state);
  auto log = storage::LogReader::open(folder);
  if (!log) return log.error();
  json::object document{{"gateway", (*log)->gateway().text()},
                        {"from", "state folder"},
                        {"state_folder", std::filesystem::absolute(state).string()}};
  json::object lanes;
  json::value hub_stream;
  for (const core::Lane lane : core::kLanes) {
    auto one = lane_document(**log, lane);
    if (!one) return one.error();
    lanes[core::lane_name(lane)] = std::move(*one);
    const auto anchors = (*log)->anchors(lane);
    if (anchors && !anchors->empty())
      hub_stream = json::object{{"hub_stream", anchors->back().hub_stream},
                                {"hub_created", anchors->back().created},
                                {"state", "unknown"}};
  }
  document["lanes"] = std::move(lanes);
  document["link"] = std::move(hub_stream);
  json::array forks;
  for (const SeenFork& fork : seen_forks(**log))
    forks.push_back(json::object{{"kind", fork.kind},
                                 {"lane", fork.lane},
                                 {"words", fork.words},
                                 {"do", fork.to_do},
                                 {"at_ns", fork.wall_ns}});
  document["forks"] = std::move(forks);
  if (const auto epochs = (*log)->epochs(core::Lane::kSystem); epochs && !epochs->empty())
    document["machine"] = epochs->back().machine;
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) == 0)
    document["disk"] = {{"free", std::uint64_t{disk.f_bavail} * disk.f_frsize},
                        {"total", std::uint64_t{disk.f_blocks} * disk.f_frsize}};
  return document;
}

}  // namespace sluice::cli
