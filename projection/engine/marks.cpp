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
              "SELECT id, gateway, epoch, lane, state, start, first, next, previous, epoch_order"
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
                mark.order = row.integer(9);
                std::string key = mark_key(mark.row());
                names.emplace(row.integer(0), key);
                out.rows.emplace(std::move(key), std::move(mark));
                return {};
              });
}

using Names = std::unordered_map<std::int64_t, std::string>;

Mark* named(Marks& marks, const Names& names, std::int64_t row) {
  const auto name = names.find(row);
  return name == names.end() ? nullptr : &marks.rows.at(name->second);
}

Result<void> read_absent(Target& target, Marks& out, const Names& names) {
  return each(target, "SELECT \"row\", first, last FROM _sluice_absent ORDER BY \"row\", first",
              [&](const Statement& row) -> Result<void> {
                if (Mark* mark = named(out, names, row.integer(0)))
                  mark->absent.emplace_back(as_seq(row.integer(1)), as_seq(row.integer(2)));
                return {};
              });
}

Result<void> read_runs(Target& target, Marks& out, const Names& names) {
  std::size_t place = 0;
  return each(target, "SELECT \"row\", first, late FROM _sluice_run ORDER BY id",
              [&](const Statement& row) -> Result<void> {
                if (Mark* mark = named(out, names, row.integer(0)))
                  mark->runs.push_back(
                      {place++, as_seq(row.integer(1)), static_cast<Mark::Age>(row.integer(2))});
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

bool Mark::is_absent(core::Seq seq) const {
  const auto behind =
      std::upper_bound(absent.begin(), absent.end(), seq,
                       [](core::Seq value, const auto& range) { return value < range.first; });
  return behind != absent.begin() && seq <= std::prev(behind)->second;
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
  SLUICE_TRY(read_absent(target, out, names));
  SLUICE_TRY(read_runs(target, out, names));
  SLUICE_TRY(read_positions(target, out));
  auto decisions = Decisions::read(target);
  if (!decisions) return decisions.error();
  out.decisions = std::move(*decisions);
  return out;
}

}  // namespace sluice::projection
