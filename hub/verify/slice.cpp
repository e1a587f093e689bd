// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/slice.hpp"

#include <algorithm>

namespace sluice::hub {

using projection::Cell;
using projection::Source;
using projection::Table;

namespace {

std::uint64_t mixed(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ 0x2f) * 0x100000001b3;  // so that "a","bc" is not "ab","c"
  return hash;
}

std::uint64_t finished(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

bool looks_up(const std::vector<Source>& sources) {
  return std::any_of(sources.begin(), sources.end(),
                     [](const Source& source) { return source.lookup != nullptr; });
}

bool looks_up(const projection::Condition& condition) {
  return condition.source.lookup != nullptr || looks_up(condition.values) ||
         std::any_of(condition.parts.begin(), condition.parts.end(),
                     [](const projection::Condition& part) { return looks_up(part); });
}

bool looks_up(const projection::Rule& rule) {
  return (rule.when && looks_up(*rule.when)) ||
         std::any_of(rule.operations.begin(), rule.operations.end(),
                     [](const projection::Operation& operation) {
                       return operation.source.lookup != nullptr || looks_up(operation.items);
                     });
}

bool looks_up(const Table& table) {
  return std::any_of(table.key.begin(), table.key.end(),
                     [](const projection::Column& key) { return key.source.lookup != nullptr; }) ||
         std::any_of(table.rules.begin(), table.rules.end(),
                     [](const projection::Rule& rule) { return looks_up(rule); });
}

bool key_has(const Table& table, Source::Kind kind) {
  return std::any_of(table.key.begin(), table.key.end(), [&](const projection::Column& column) {
    return column.source.kind == kind || column.source.kind == Source::Kind::kStream;
  });
}

std::optional<std::string_view> part(const Table& table, std::span<const Cell> key,
                                     Source::Kind kind) {
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    const auto* text = std::get_if<std::string>(&key[i]);
    if (text == nullptr) continue;
    const std::string_view cell = *text;
    if (table.key[i].source.kind == kind) return cell;
    if (table.key[i].source.kind != Source::Kind::kStream) continue;
    const auto gateway = cell.find('/');
    if (gateway == std::string_view::npos) continue;
    if (kind == Source::Kind::kGateway) return cell.substr(0, gateway);
    const auto category = cell.find('/', gateway + 1);
    if (category != std::string_view::npos) return cell.substr(category + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> gateway_of(const Table& table, std::span<const Cell> key) {
  return part(table, key, Source::Kind::kGateway);
}

std::optional<std::string_view> entity_of(const Table& table, std::span<const Cell> key) {
  return part(table, key, Source::Kind::kEntity);
}

Slice Slice::sample(const projection::Model& model, std::uint64_t rows,
                    const std::set<std::string_view>& gateways, std::uint64_t wanted,
                    std::uint64_t seed) {
  Slice out;
  const std::uint64_t modulus = rows / std::max<std::uint64_t>(wanted, 1);
  if (wanted == 0 || modulus <= 1) return out;
  out.seed_ = finished(seed);
  out.modulus_ = modulus;
  out.by_ = model.sql_rules().empty() ? By::kEntity : By::kRow;
  for (const Table& table : model.tables()) {
    if (!key_has(table, Source::Kind::kGateway) || looks_up(table)) out.by_ = By::kRow;
    // A watermark is made by all events of a lane.
    const bool by_lane = table.window != nullptr && table.window->late_ns;
    if (out.by_ == By::kEntity && (by_lane || !key_has(table, Source::Kind::kEntity)))
      out.by_ = By::kGateway;
  }
  if (out.by_ == By::kRow) return out;
  if (out.by_ == By::kEntity) return out;
  out.modulus_ = std::clamp<std::uint64_t>(gateways.size(), 1, modulus);
  // Of few gateways chance often takes none, and a sample of nothing finds nothing.
  const auto is_chosen = [&](std::string_view name) { return out.chosen(name, ""); };
  while (!gateways.empty() && std::none_of(gateways.begin(), gateways.end(), is_chosen))
    out.seed_ = finished(out.seed_ + 1);
  return out;
}

bool Slice::chosen(std::string_view gateway, std::string_view entity) const {
  return finished(mixed(mixed(seed_, gateway), entity)) % modulus_ == 0;
}

bool Slice::takes(const core::EventView& event) const {
  switch (by_) {
    case By::kEntity:
      return chosen(event.gateway, event.entity);
    case By::kGateway:
      return chosen(event.gateway, "");
    default:
      return true;
  }
}

bool Slice::takes(const Table& table, std::span<const Cell> key) const {
  if (by_ == By::kAll) return true;
  if (by_ != By::kRow) {
    const auto gateway = gateway_of(table, key);
    const auto entity = by_ == By::kEntity ? entity_of(table, key) : std::string_view();
    return !gateway || !entity || chosen(*gateway, *entity);
  }
  std::uint64_t hash = seed_;
  for (const Cell& cell : key) {
    if (const auto* text = std::get_if<std::string>(&cell)) {
      hash = mixed(hash, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&cell)) {
      hash = mixed(hash, std::to_string(*number));
    } else if (const auto* bytes = std::get_if<projection::Bytes>(&cell)) {
      hash = mixed(hash, bytes->value);
    } else if (const auto* real = std::get_if<double>(&cell)) {
      hash = mixed(hash, std::to_string(*real));
    }
  }
  return finished(hash) % modulus_ == 0;
}

}  // namespace sluice::hub
