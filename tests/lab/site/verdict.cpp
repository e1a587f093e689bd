// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/site/verdict.hpp"

#include <functional>

#include "core/json.hpp"
#include "http/client.hpp"

namespace sluice::test {

const char* const kLabModel = R"(model = "lab"
version = 1
history = "whole"

[where]
categories = ["load", "alert"]

[table.effects]
key = { gateway = "$gateway", k = { type = "text", from = ".k" } }

[table.effects.columns]
n = { type = "int", default = 0 }

[[table.effects.on]]
type = ["First", "Second"]
inc = { n = 1 }

[table.turns]
order = "arrival"
key = { gateway = "$gateway", turn = { type = "text", from = ".turn" } }

[table.turns.columns]
first = { type = "int", default = 0 }
second = { type = "int", default = 0 }

[[table.turns.on]]
type = "First"
inc = { first = 1 }

[[table.turns.on]]
type = "Second"
create = false
inc = { second = 1 }
)";

LabRow compare(const std::vector<Acked>& acked, const Effects& effects) {
  LabRow row;
  row.acked = acked.size();
  struct Pair {
    std::uint64_t first = 0;  // versions, 0: not acknowledged
    std::uint64_t second = 0;
    bool both_took_effect = true;
  };
  std::map<std::string, Pair> pairs;
  for (const Acked& event : acked) {
    const auto at = effects.of_event.find(event.id);
    const std::int64_t count = at == effects.of_event.end() ? 0 : at->second;
    if (count < 1) ++row.lost;
    if (count > 1) ++row.doubled;
    Pair& pair = pairs[event.turn];
    (event.is_second ? pair.second : pair.first) = event.version;
    if (count != 1) pair.both_took_effect = false;
  }
  for (const auto& [turn, pair] : pairs) {
    if (pair.first == 0 || pair.second < pair.first || !pair.both_took_effect) continue;
    const auto at = effects.of_turn.find(turn);
    if (at == effects.of_turn.end() || at->second.second != 1) ++row.out_of_order;
  }
  return row;
}

namespace {

using Take = std::function<void(const boost::json::object&)>;

core::Result<void> each_row(http::Client& client, const std::string& table, const Take& take) {
  std::string cursor;
  do {
    const std::string page = cursor.empty() ? "" : "&page=" + cursor;
    const auto answer = client.get("/v1/models/lab/" + table + "?limit=1000" + page);
    if (!answer) return answer.error();
    if (answer->status != 200) return http::error_of(*answer);
    const auto document = core::parse_json(answer->body);
    if (!document) return document.error();
    for (const auto& row : document->at("rows").as_array()) take(row.as_object());
    const auto& next = document->at("next");
    cursor = next.is_string() ? std::string(next.as_string()) : "";
  } while (!cursor.empty());
  return {};
}

}  // namespace

core::Result<Effects> read_effects(const std::string& hub_url) {
  const auto endpoint = http::Endpoint::parse(hub_url);
  if (!endpoint) return endpoint.error();
  http::Client client(*endpoint);
  Effects effects;
  const auto counted = each_row(client, "effects", [&](const auto& row) {
    effects.of_event[std::string(row.at("k").as_string())] +=
        row.at("n").template to_number<std::int64_t>();
  });
  if (!counted) return counted.error();
  const auto turned = each_row(client, "turns", [&](const auto& row) {
    effects.of_turn[std::string(row.at("turn").as_string())] = {
        row.at("first").template to_number<std::int64_t>(),
        row.at("second").template to_number<std::int64_t>()};
  });
  if (!turned) return turned.error();
  return effects;
}

}  // namespace sluice::test
