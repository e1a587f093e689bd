// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/certainty.hpp"

#include <algorithm>
#include <vector>

namespace sluice::hub {

using projection::Mark;
using projection::Operator;
using projection::Source;
using projection::Table;

namespace {

bool takes_latest(const Table& table) {
  return std::any_of(table.rules.begin(), table.rules.end(), [](const projection::Rule& rule) {
    return std::any_of(
        rule.operations.begin(), rule.operations.end(),
        [](const projection::Operation& operation) { return operation.op == Operator::kLatest; });
  });
}

bool asks_age(const projection::Condition& condition) {
  return condition.source.kind == Source::Kind::kLate ||
         std::any_of(condition.values.begin(), condition.values.end(),
                     [](const Source& source) { return source.kind == Source::Kind::kLate; }) ||
         std::any_of(condition.parts.begin(), condition.parts.end(),
                     [](const projection::Condition& part) { return asks_age(part); });
}

bool asks_age(const Table& table) {
  const auto is_age = [](const Source& source) { return source.kind == Source::Kind::kLate; };
  return std::any_of(table.key.begin(), table.key.end(),
                     [&](const projection::Column& key) { return is_age(key.source); }) ||
         std::any_of(table.rules.begin(), table.rules.end(), [&](const projection::Rule& rule) {
           return (rule.when && asks_age(*rule.when)) ||
                  std::any_of(rule.operations.begin(), rule.operations.end(),
                              [&](const projection::Operation& operation) {
                                return is_age(operation.source) ||
                                       std::any_of(operation.items.begin(), operation.items.end(),
                                                   is_age);
                              });
         });
}

// Each epoch of the lane ended where the next one says, so that none went on beside it.
bool follow_each_other(std::vector<const Mark*>& lane) {
  std::sort(lane.begin(), lane.end(),
            [](const Mark* a, const Mark* b) { return a->order < b->order; });
  for (std::size_t i = 1; i < lane.size(); ++i)
    if (lane[i]->previous != lane[i - 1]->epoch || lane[i - 1]->next != lane[i]->first)
      return false;
  return true;
}

}  // namespace

Certainty::Certainty(const projection::Marks& marks) {
  std::map<std::pair<std::string, core::Lane>, std::vector<const Mark*>> lanes;
  for (const auto& [key, mark] : marks.rows) {
    if (mark.state != projection::RowState::kOpen) continue;
    lanes[{mark.gateway, mark.lane}].push_back(&mark);
    Gateway& gateway = gateways_[mark.gateway];
    for (const Mark::Run& run : mark.runs) {
      gateway.is_late = gateway.is_late || run.age == Mark::Age::kLate;
      gateway.is_unknown = gateway.is_unknown || run.age == Mark::Age::kUnknown;
    }
  }
  std::map<std::string_view, bool> in_order;
  for (auto& [key, lane] : lanes) {
    bool& all = in_order.try_emplace(key.first, true).first->second;
    all = follow_each_other(lane) && all;
    if (lane.size() < 2) continue;
    for (const projection::Decision& decision : marks.decisions)
      if (decision.event.gateway == key.first) {
        gateways_[key.first].is_decided = true;
        if (decision.done && decision.newest == 0) gateways_[key.first].is_unknown_then = true;
      }
  }
  for (auto& [name, gateway] : gateways_)
    gateway.is_unknown = gateway.is_unknown && !in_order.at(name);
}

std::string Certainty::doubt(const Table& table, std::string_view gateway) const {
  const auto found = gateways_.find(gateway);
  if (found == gateways_.end()) return "";
  if (found->second.is_unknown)
    return "an older program, which did not keep in which order its epochs took effect, built "
           "them; build the model anew";
  const bool by_time = takes_latest(table) && !table.in_line;
  if ((found->second.is_late || found->second.is_decided) && by_time && !table.shared)
    return "events of an older epoch came between those of a newer one, and in which order those "
           "of several lanes did is not kept";
  if (found->second.is_unknown_then && (by_time || asks_age(table)))
    return "an older program, which did not keep which epoch was the newest then, carried out what "
           "operators decided about parked events; build the model anew";
  return "";
}

std::string Certainty::doubt(const Table& table) const {
  for (const auto& [name, gateway] : gateways_)
    if (std::string why = doubt(table, name); !why.empty()) return why;
  return "";
}

}  // namespace sluice::hub
