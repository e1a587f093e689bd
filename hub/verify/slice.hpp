// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "projection/model/model.hpp"
#include "projection/value/value.hpp"

namespace sluice::hub {

// The part of a model that a sample checks: all rows of some owners, and every event that can touch
// them. An owner is what all keys of the model name: a gateway's entity, else a gateway. Chosen by
// a seeded hash, so that rows which are missing are in the sample like those that are there. Pure.
class Slice {
 public:
  enum class By : std::uint8_t { kAll, kEntity, kGateway, kRow };

  static Slice whole() { return {}; }
  // About `wanted` of `rows` rows; of whole gateways, at least one of `gateways`. Where a table is
  // shared between gateways, rows are looked up, or SQL is run, any event may matter to any row
  // (By::kRow): then only the comparison is less work.
  static Slice sample(const projection::Model& model, std::uint64_t rows,
                      const std::set<std::string_view>& gateways, std::uint64_t wanted,
                      std::uint64_t seed);

  bool takes(const core::EventView& event) const;
  bool takes(const projection::Table& table, std::span<const projection::Cell> key) const;
  By by() const { return by_; }

 private:
  bool chosen(std::string_view gateway, std::string_view entity) const;
  By by_ = By::kAll;
  std::uint64_t modulus_ = 1;
  std::uint64_t seed_ = 0;
};

// What a row's key says of the events that made it.
std::optional<std::string_view> gateway_of(const projection::Table& table,
                                           std::span<const projection::Cell> key);
std::optional<std::string_view> entity_of(const projection::Table& table,
                                          std::span<const projection::Cell> key);

}  // namespace sluice::hub
