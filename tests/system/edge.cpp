// SPDX-License-Identifier: Apache-2.0
#include "tests/system/edge.hpp"

#include <fstream>

namespace sluice::test {

Edge::Edge(std::filesystem::path folder, std::string gateway, const std::string& nats_url)
    : folder_(std::move(folder)), gateway_(std::move(gateway)) {
  std::filesystem::create_directories(folder_ / "run");
  std::filesystem::create_directories(folder_ / "state");
  // A kill test ends the daemon every second: the pause after an early end would be all it sees.
  std::ofstream(folder_ / "sluice.toml")
      << "[gateway]\nid = \"" << gateway_ << "\"\nstate = \"" << state_folder().string()
      << "\"\nrun = \"" << (folder_ / "run").string()
      << "\"\n[log]\nrestart_wait_max = \"0ms\"\n[uplink]\nurls = [\"" << nats_url << "\"]\n";
}

void Edge::start() {
  start_sluiced();
  start_uplink();
}

void Edge::start_sluiced() {
  Process::Options options;
  options.log_file = folder_ / "sluiced.log";
  sluiced_.emplace(
      std::vector<std::string>{program("sluiced"), "--config", (folder_ / "sluice.toml").string()},
      options);
}

void Edge::start_uplink() {
  Process::Options options;
  options.log_file = folder_ / "sluice-uplink.log";
  uplink_.emplace(std::vector<std::string>{program("sluice-uplink"), "--config",
                                           (folder_ / "sluice.toml").string()},
                  options);
}

void Edge::kill() {
  if (uplink_) uplink_->kill();
  if (sluiced_) sluiced_->kill();
}

std::string Edge::logs() const {
  return "\n--- " + gateway_ + " sluiced\n" + last_lines(folder_ / "sluiced.log") + "\n--- " +
         gateway_ + " sluice-uplink\n" + last_lines(folder_ / "sluice-uplink.log");
}

std::string last_lines(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::streamoff>(in.tellg());
  const std::streamoff from = size > 3000 ? size - 3000 : 0;
  in.seekg(from);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  in.read(text.data(), size - from);
  return text;
}

}  // namespace sluice::test
