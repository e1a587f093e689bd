// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace sluice::gateway {

// What this run of the gateway has cost the card. One thread.
class DeviceWear {
 public:
  // `sys`: "/sys" outside tests.
  explicit DeviceWear(const std::filesystem::path& folder,
                      const std::filesystem::path& sys = "/sys");

  struct Wear {
    std::uint64_t bytes = 0;
    // The block device counted them, with all that others wrote there. Else they are reckoned from
    // what was measured elsewhere: a commit and an event have each their price.
    bool measured = false;
  };
  Wear since_start(std::uint64_t commits, std::uint64_t events) const;

 private:
  std::optional<std::uint64_t> written() const;
  std::filesystem::path stat_;  // of the device; empty: it has none
  std::optional<std::uint64_t> at_start_;
};

}  // namespace sluice::gateway
