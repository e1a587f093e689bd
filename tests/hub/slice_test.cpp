// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/slice.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace sluice::hub {
namespace {

using projection::Cell;

constexpr const char* kByGateway = R"(
model = "totals"
version = 1
[table.totals]
key = { gateway = "$gateway" }
[table.totals.columns]
readings = { type = "int", default = 0 }
[[table.totals.on]]
type = "Reading"
inc = { readings = 1 }
)";

std::shared_ptr<const projection::Model> model_of(const char* toml) {
  auto model = projection::Model::parse(toml, "totals.model.toml");
  if (!model) throw std::runtime_error(model.error().message);
  return *model;
}

bool takes(const Slice& slice, const projection::Model& model, std::string_view gateway) {
  const Cell key[] = {Cell(std::string(gateway))};
  return slice.takes(model.tables()[0], key);
}

TEST(Slice, OfFewGatewaysTakesAtLeastOne) {
  const auto held = model_of(kByGateway);
  const auto& model = *held;
  const std::set<std::string_view> gateways{"north", "south"};
  std::size_t both = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto slice = Slice::sample(model, 1'000, gateways, 10, seed);
    ASSERT_EQ(slice.by(), Slice::By::kGateway);
    const bool north = takes(slice, model, "north");
    const bool south = takes(slice, model, "south");
    ASSERT_TRUE(north || south) << "seed " << seed;
    both += north && south ? 1 : 0;
  }
  EXPECT_LT(both, 200u) << "a sample is less than the whole";
  EXPECT_GT(both, 0u);
}

TEST(Slice, OfASmallModelIsTheWhole) {
  const auto held = model_of(kByGateway);
  const auto& model = *held;
  const auto slice = Slice::sample(model, 15, {"north"}, 10, 1);
  EXPECT_EQ(slice.by(), Slice::By::kAll);
}

TEST(Slice, OfOneSeedIsTheSameForEventsAndRows) {
  const auto held = model_of(kByGateway);
  const auto& model = *held;
  const std::set<std::string_view> gateways{"a", "b", "c", "d", "e", "f", "g"};
  const auto slice = Slice::sample(model, 1'000, gateways, 10, 7);
  for (const auto gateway : gateways) {
    core::EventView event;
    event.gateway = gateway;
    EXPECT_EQ(slice.takes(event), takes(slice, model, gateway)) << gateway;
  }
}

}  // namespace
}  // namespace sluice::hub
