// SPDX-License-Identifier: Apache-2.0
#include "cli/plugtest_record.hpp"

#include <algorithm>

#include "cli/json_field.hpp"
#include "core/json.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

core::Error misfit(std::string_view line, const std::string& why) {
  return fail(Errc::kCorrupt,
              "this is no line of a plugtest's record (" + why + "): " + core::printable(line));
}

}  // namespace

std::string round_line(const Round& round) {
  return core::to_json(json::object{
             {"round", round.name}, {"stream", round.stream}, {"gateway", round.gateway}}) +
         "\n";
}

std::string note_line(const Note& note) {
  return core::to_json(json::object{{"round", note.round},
                                    {"n", note.n},
                                    {"id", note.id.text()},
                                    {"lane", std::string(core::lane_name(note.lane))},
                                    {"epoch", note.epoch.text()},
                                    {"seq", note.seq}}) +
         "\n";
}

Result<void> PlugtestRecord::add_line(std::string_view line) {
  const auto parsed = core::parse_json(line);
  if (!parsed) return misfit(line, parsed.error().message);
  const json::object* object = parsed->if_object();
  if (object == nullptr) return misfit(line, "not an object");
  const std::string name = text_at(*object, "round");
  const auto same = [&name](const Round& round) { return round.name == name; };
  const auto round = std::find_if(rounds_.begin(), rounds_.end(), same);
  if (name.empty()) return misfit(line, "no round");
  if (object->contains("stream")) {
    if (round != rounds_.end()) return misfit(line, "this round began before");
    rounds_.push_back({name, text_at(*object, "stream"), text_at(*object, "gateway"), {}});
    if (!core::StreamName::parse(rounds_.back().stream)) {
      rounds_.pop_back();
      return misfit(line, "no stream");
    }
    return {};
  }
  if (round == rounds_.end()) return misfit(line, "a round that never began");
  const auto id = core::Uuid::parse(text_at(*object, "id"));
  const auto lane = core::parse_lane(text_at(*object, "lane"));
  const auto epoch = core::Epoch::parse(text_at(*object, "epoch"));
  const std::uint64_t n = number_at(*object, "n");
  const std::uint64_t seq = number_at(*object, "seq");
  if (!id || !lane || !epoch || n == 0 || seq == 0) return misfit(line, "a member is missing");
  if (!round->notes.empty() && n <= round->notes.back().n) return misfit(line, "n does not ascend");
  round->notes.push_back({name, n, *id, *lane, *epoch, seq});
  return {};
}

Result<PlugtestRecord> PlugtestRecord::parse(std::string_view text) {
  PlugtestRecord out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // torn
    if (end > 0)
      if (auto added = out.add_line(text.substr(0, end)); !added) return added.error();
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace sluice::cli
