// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/marks.hpp"

#include <algorithm>

#include "projection/engine/decisions.hpp"

namespace sluice::projection {

using core::Result;

namespace {

core::Seq as_seq(std::int64_t v) {
  return static_cast<core::Seq>(v);
}

// Every row of `sql`, handed to `take`.
template <class Take>
Result<void> each(Target& target, std::string_view sql, const Take& take) {
  const auto statement = target.prepare(sql);
  if (!statement) return statement.error();
  for (;;) {
    const auto row = (*statement)->step();
    if (!row) return row.error();
    if (!*row) return {};
    SLUICE_TRY(take(**statement));
  }
}

Result<core::Epoch> epoch_in(const Statement& row, int column) {
  return core::Epoch::parse(row.text(column));
}

Result<void> read_rows(Target& target, Marks& out,
                       std::unordered_map<std::int64_t, std::string>& names) {
  return each(target,
              "SELECT id, gateway, epoch, lane, state, start, first, next, previous"
              " FROM _sluice_gate",
              [&](const Statement& row) -> Result<void> {
                const auto epoch = epoch_in(row, 2);
                if (!epoch) return epoch.error();
                Mark mark;
                mark.gateway = row.text(1);
                mark.epoch = *epoch;
                mark.lane = static_cast<core::Lane>(row.integer(3));
                mark.state = static_cast<RowState>(row.integer(4));
                mark.start = static_cast<RowStart>(row.integer(5));
                mark.first = as_seq(row.integer(6));
                if (mark.state == RowState::kOpen) mark.next = as_seq(row.integer(7));
                // "No epoch" is not a valid epoch's text.
                if (const auto previous = epoch_in(row, 8)) mark.previous = *previous;
                std::string key = mark_key(mark.row());
                names.emplace(row.integer(0), key);
                out.rows.emplace(std::move(key), std::move(mark));
                return {};
              });
}

Result<void> read_positions(Target& target, Marks& out) {
  return each(target,
              "SELECT hub_stream, created, sequence, msg_id, next FROM _sluice_position"
              " ORDER BY hub_stream",
              [&](const Statement& row) -> Result<void> {
                Position position;
                position.hub = {std::string(row.text(0)), std::string(row.text(1))};
                position.sequence = static_cast<std::uint64_t>(row.integer(2));
                position.msg_id = row.text(3);
                position.next = static_cast<std::uint64_t>(row.integer(4));
                out.positions.push_back(std::move(position));
                return {};
              });
}

}  // namespace

bool Mark::has_skipped(core::Seq from, core::Seq to) const {
  // Ranges that touch each other came from several skips.
  core::Seq at = from;
  for (bool moved = true; moved && at <= to;) {
    moved = false;
    for (const auto& range : skipped)
      if (range.first <= at && at <= range.second) {
        at = range.second + 1;
        moved = true;
      }
  }
  return at > to;
}

std::string mark_key(const RowRef& row) {
  std::string out(row.gateway);
  out += '.';
  out += row.epoch.text();
  out += '.';
  out += core::lane_name(row.lane);
  return out;
}

const Mark* Marks::find(std::string_view row) const {
  const auto found = rows.find(std::string(row));
  return found == rows.end() ? nullptr : &found->second;
}

Result<Marks> read_marks(Target& target) {
  Marks out;
  std::unordered_map<std::int64_t, std::string> names;
  SLUICE_TRY(read_rows(target, out, names));
  SLUICE_TRY(each(target,
                  "SELECT \"row\", first, last FROM _sluice_absent WHERE reason LIKE 'skipped:%'"
                  " ORDER BY \"row\", first",
                  [&](const Statement& row) -> Result<void> {
                    const auto name = names.find(row.integer(0));
                    if (name != names.end())
                      out.rows.at(name->second)
                          .skipped.emplace_back(as_seq(row.integer(1)), as_seq(row.integer(2)));
                    return {};
                  }));
  SLUICE_TRY(read_positions(target, out));
  auto decisions = Decisions::read(target);
  if (!decisions) return decisions.error();
  out.decisions = std::move(*decisions);
  const auto missing =
      query_int(target, "SELECT count(*) FROM _sluice_meta WHERE name = 'beginning_missing'");
  if (!missing) return missing.error();
  out.beginning_missing = *missing != 0;
  return out;
}

}  // namespace sluice::projection
