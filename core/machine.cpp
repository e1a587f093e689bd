// SPDX-License-Identifier: Apache-2.0
#include "core/machine.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <system_error>

namespace sluice::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBytesMax = 48;

// One line of printable ASCII; the device tree ends its text with a zero byte.
std::string first_line(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  const auto end =
      std::find_if(line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; });
  line.erase(end, line.end());
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() > kBytesMax) line.resize(kBytesMax);
  return line;
}

// What vendors write when they have nothing to say.
bool says_nothing(const std::string& serial) {
  static constexpr std::array<std::string_view, 8> kFillers = {"None",
                                                               "Not Specified",
                                                               "Default string",
                                                               "To Be Filled By O.E.M.",
                                                               "0",
                                                               "System Serial Number",
                                                               "N/A",
                                                               "Not Applicable"};
  if (serial.size() < 3) return true;
  if (std::find(kFillers.begin(), kFillers.end(), serial) != kFillers.end()) return true;
  return serial.find_first_not_of(serial.front()) == std::string::npos;  // 000000, xxxxxx
}

std::string lowest_mac(const fs::path& root) {
  std::set<std::string> found;
  std::error_code ignored;
  for (const auto& card : fs::directory_iterator(root / "sys/class/net", ignored)) {
    if (!fs::exists(card.path() / "device", ignored))
      continue;  // bridges, tunnels, containers' ends
    const auto address = first_line(card.path() / "address");
    if (address.size() == 17 && address != "00:00:00:00:00:00") found.insert(address);
  }
  return found.empty() ? std::string() : *found.begin();
}

}  // namespace

std::string machine_identity(const fs::path& root) {
  for (const char* file : {"proc/device-tree/serial-number", "sys/class/dmi/id/board_serial",
                           "sys/class/dmi/id/product_serial", "sys/class/dmi/id/product_uuid"}) {
    const auto serial = first_line(root / file);
    if (!says_nothing(serial)) return serial;
  }
  const auto mac = lowest_mac(root);
  return mac.empty() ? "unknown" : mac;
}

}  // namespace sluice::core
