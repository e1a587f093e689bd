// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/gate_shape.hpp"

#include <array>

namespace sluice::projection {
namespace {

struct Name {
  std::string_view text;
  Type type = Type::kInt;
};

constexpr std::array<Name, 22> kColumns = {{
    {"gateway", Type::kText},
    {"lane"},
    {"epoch", Type::kText},
    {"id"},
    {"state"},
    {"start"},
    {"first"},
    {"next"},
    {"previous", Type::kText},
    {"previous_last"},
    {"wake_at"},
    {"held"},
    {"held_gaps"},
    {"absent"},
    {"since_ns"},
    {"since_hub_seq"},
    {"unstored_hub", Type::kText},
    {"unstored_hub_seq"},
    {"unstored_seq"},
    {"epoch_order"},
    {"aside"},
    {"running"},
}};
constexpr std::size_t kKey = 3;

// SQLite has no unsigned 64-bit integer; check_message() refuses seqs above INT64_MAX.
std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}
std::uint64_t as_uint(std::int64_t v) {
  return static_cast<std::uint64_t>(v);
}

// 0, "no epoch", is not a valid epoch's text.
core::Epoch epoch_of(std::string_view text) {
  const auto epoch = core::Epoch::parse(text);
  return epoch ? *epoch : core::Epoch{};
}

}  // namespace

TableShape gate_shape() {
  TableShape shape{"_sluice_gate", {}, kKey};
  for (const Name& name : kColumns) shape.columns.push_back({std::string(name.text), name.type});
  return shape;
}

std::string gate_columns() {
  std::string out;
  for (const Name& name : kColumns) out += (out.empty() ? "" : ", ") + std::string(name.text);
  return out;
}

std::vector<Cell> gate_key(const RowRef& ref) {
  std::vector<Cell> cells(kColumns.size());
  cells[0] = std::string(ref.gateway);
  cells[1] = static_cast<std::int64_t>(ref.lane);
  cells[2] = ref.epoch.text();
  return cells;
}

std::vector<Cell> gate_cells(const GateRow& row) {
  std::vector<Cell> out = gate_key(row.ref());
  out[3] = row.id;
  out[4] = static_cast<std::int64_t>(row.state);
  out[5] = static_cast<std::int64_t>(row.start);
  out[6] = as_int(row.first);
  out[7] = as_int(row.next);
  out[8] = row.previous ? row.previous.text() : std::string();
  out[9] = as_int(row.previous_last);
  out[10] = as_int(row.wake_at);
  out[11] = as_int(row.held);
  out[12] = as_int(row.held_gaps);
  out[13] = as_int(row.absent);
  out[14] = row.since_ns;
  out[15] = as_int(row.since_hub_seq);
  if (row.not_stored) {
    out[16] = row.not_stored->hub_stream;
    out[17] = as_int(row.not_stored->hub_seq);
    out[18] = as_int(row.not_stored->seq);
  }
  out[19] = row.order;
  out[20] = std::int64_t{row.aside};
  out[21] = static_cast<std::int64_t>(row.running);
  return out;
}

GateRow gate_row(std::span<const Cell> cells) {
  const auto text = [&](std::size_t i) { return view_of(cells[i]).text; };
  const auto integer = [&](std::size_t i) { return view_of(cells[i]).integer; };
  const auto number = [&](std::size_t i) { return as_uint(integer(i)); };
  GateRow out;
  out.gateway = text(0);
  out.lane = static_cast<core::Lane>(integer(1));
  out.epoch = epoch_of(text(2));
  out.id = integer(3);
  out.state = static_cast<RowState>(integer(4));
  out.start = static_cast<RowStart>(integer(5));
  out.first = number(6);
  out.next = number(7);
  out.previous = epoch_of(text(8));
  out.previous_last = number(9);
  out.wake_at = number(10);
  out.held = number(11);
  out.held_gaps = number(12);
  out.absent = number(13);
  out.since_ns = integer(14);
  out.since_hub_seq = number(15);
  if (!std::holds_alternative<std::monostate>(cells[16]))
    out.not_stored = NotStored{std::string(text(16)), number(17), number(18)};
  out.order = integer(19);
  out.aside = integer(20) != 0;
  out.running = static_cast<Running>(integer(21));
  return out;
}

}  // namespace sluice::projection
