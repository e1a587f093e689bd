// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/row_watch.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "hub/verify/slice.hpp"
#include "projection/model/extract.hpp"

namespace sluice::hub {

using core::Result;
using projection::Cell;
using projection::Incoming;
using projection::RowDifference;
using projection::Table;

namespace {

WatchedEvent told(const Incoming& message) {
  WatchedEvent out;
  out.identity = message.msg_id;
  out.stored_ns = message.hub_time_ns;
  out.hub_seq = message.hub_seq;
  const auto event = codec::decode_trusted(message.body);
  if (!event) return out;
  out.stream = event->stream().text();
  out.type = event->type;
  out.time_ns = event->occurred_at_ns
                    ? *event->occurred_at_ns
                    : projection::corrected(event->recorded.wall_ns, message.clock_ns);
  return out;
}

}  // namespace

Result<std::unique_ptr<RowWatch>> RowWatch::open(projection::Target& scratch,
                                                 const projection::Model& model,
                                                 std::vector<RowDifference> rows) {
  std::unique_ptr<RowWatch> out(new RowWatch(model));
  for (RowDifference& row : rows) {
    const auto table = std::find_if(model.tables().begin(), model.tables().end(),
                                    [&](const Table& one) { return one.name == row.table; });
    Watched watched;
    watched.table = &*table;
    watched.matches = row.kind == RowDifference::Kind::kMissing;  // nothing is there yet
    watched.row = std::move(row);
    out->rows_.push_back(std::move(watched));
    const bool known = std::any_of(out->finders_.begin(), out->finders_.end(),
                                   [&](const auto& one) { return one.first == &*table; });
    if (known) continue;
    auto finder = projection::RowFinder::open(scratch, *table);
    if (!finder) return finder.error();
    out->finders_.emplace_back(&*table, std::move(*finder));
  }
  return out;
}

bool RowWatch::concerns(const Incoming& message) const {
  const auto event = codec::decode_trusted(message.body);
  if (!event) return false;
  // A gap record or an opened epoch may set free what was held, of whatever type.
  if (event->is_reserved()) return true;
  if (!model_.wants(event->gateway, event->lane, event->category, event->type)) return false;
  if (!model_.sql_rules().empty()) return true;
  return std::any_of(rows_.begin(), rows_.end(), [&](const Watched& watched) {
    const auto gateway = gateway_of(*watched.table, watched.row.key);
    const auto entity = entity_of(*watched.table, watched.row.key);
    return (!gateway || *gateway == event->gateway) && (!entity || *entity == event->entity);
  });
}

bool RowWatch::matches(const Watched& watched, const std::optional<std::vector<Cell>>& now) {
  if (watched.row.kind == RowDifference::Kind::kMissing) return !now;
  if (!now) return false;
  const std::size_t keys = watched.table->key.size();
  return std::all_of(
      watched.row.cells.begin(), watched.row.cells.end(), [&](const auto& difference) {
        for (std::size_t i = 0; i < watched.table->columns.size(); ++i)
          if (watched.table->columns[i].name == difference.column)
            return projection::same_cell(*watched.table, i, (*now)[keys + i], difference.found);
        return false;
      });
}

Result<void> RowWatch::after(const Incoming& message) {
  for (Watched& watched : rows_) {
    const auto finder = std::find_if(finders_.begin(), finders_.end(),
                                     [&](const auto& one) { return one.first == watched.table; });
    auto now = finder->second.find(watched.row.key);
    if (!now) return now.error();
    if (*now == watched.last) continue;
    if (*now && !watched.maker) watched.maker = told(message);
    const bool matches_now = matches(watched, *now);
    if (matches_now) watched.first.reset();
    if (watched.matches && !matches_now) watched.first = told(message);
    watched.ever = watched.ever || matches_now || watched.matches;
    watched.matches = matches_now;
    watched.last = std::move(*now);
  }
  return {};
}

std::vector<RowWatch::Finding> RowWatch::findings() const {
  std::vector<Finding> out;
  for (const Watched& watched : rows_)
    out.push_back({watched.first ? watched.first : watched.maker, watched.ever});
  return out;
}

}  // namespace sluice::hub
