// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify_json.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "hub/verify/cell_json.hpp"

namespace sluice::hub {

namespace json = core::json;
using projection::RowDifference;

namespace {

std::string_view words_of(const VerifyFinding& finding) {
  if (!finding.watched) return "no event was looked for: only the first rows are";
  const bool known = finding.event.first.has_value();
  switch (finding.row.kind) {
    case RowDifference::Kind::kMissing:
      return known ? "this event made the row" : "no event of the log makes this row";
    case RowDifference::Kind::kExtra:
      if (!known) return "no event of the log makes this row";
      return finding.event.ever ? "the row stood like this until this event"
                                : "the row never had these values; this event made it first";
    case RowDifference::Kind::kChanged:
      return finding.event.ever ? "the row stood like this until this event"
                                : "the row never had these values; this event made it first";
  }
  return "";
}

json::value event_json(const RowWatch::Finding& finding) {
  if (!finding.first) return nullptr;
  const WatchedEvent& event = *finding.first;
  json::object out{{"identity", event.identity},
                   {"stream", event.stream},
                   {"type", event.type},
                   {"at", core::format_time(event.time_ns)},
                   {"position", event.hub_seq}};
  if (event.stored_ns != 0) out["stored_at"] = core::format_time(event.stored_ns);
  return out;
}

}  // namespace

json::object difference_json(const projection::Model& model, const RowDifference& row) {
  const auto table =
      std::find_if(model.tables().begin(), model.tables().end(),
                   [&](const projection::Table& one) { return one.name == row.table; });
  json::object key;
  json::array columns;
  if (table != model.tables().end()) {
    for (std::size_t i = 0; i < table->key.size(); ++i)
      key[table->key[i].name] = cell_json(row.key[i], table->key[i].type);
    for (const projection::CellDifference& cell : row.cells)
      for (const projection::Column& column : table->columns)
        if (column.name == cell.column)
          columns.push_back(json::object{{"column", cell.column},
                                         {"expected", cell_json(cell.expected, column.type)},
                                         {"found", cell_json(cell.found, column.type)}});
  }
  return {{"table", row.table},
          {"kind", kind_word(row.kind)},
          {"key", std::move(key)},
          {"columns", std::move(columns)}};
}

json::object finding_json(const projection::Model& model, const VerifyFinding& finding) {
  json::object out = difference_json(model, finding.row);
  out["first_event"] = event_json(finding.event);
  out["words"] = words_of(finding);
  return out;
}

json::object report_json(const projection::Model& model, const VerifyReport& report) {
  json::array findings;
  for (const VerifyFinding& finding : report.findings)
    findings.push_back(finding_json(model, finding));
  json::array unverifiable;
  for (const std::string& words : report.unverifiable) unverifiable.push_back(json::string(words));
  json::array positions;
  for (const projection::Position& position : report.positions)
    positions.push_back(
        json::object{{"hub_stream", position.hub.name}, {"position", position.sequence}});
  return {{"rows", report.rows},
          {"differences", report.differences},
          {"messages", report.messages},
          {"findings", std::move(findings)},
          {"unverifiable", std::move(unverifiable)},
          {"positions", std::move(positions)}};
}

}  // namespace sluice::hub
