// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// The whole of Sluice on loopback, as real processes: nats-server, sluice-hub, sluiced and
// sluice-uplink, with state in a scratch folder and ports of its own. Each part can be killed and
// started again on the same state. One thread.
class Installation {
 public:
  enum class Part { kNats, kGateway, kUplink, kHub };
  static constexpr std::array<Part, 4> kParts = {Part::kNats, Part::kGateway, Part::kUplink,
                                                 Part::kHub};

  // `model` is the text of the one read model that the hub builds.
  explicit Installation(const std::string& model, const std::string& gateway = "plant-7");

  // Starts every part and makes the hub streams. False: something did not come up; see logs().
  bool start();
  void start(Part part);
  void kill(Part part);  // SIGKILL, reaped
  bool running(Part part);
  // Starts again whatever has ended, as a supervisor would.
  void supervise();

  const std::string& gateway() const { return gateway_; }
  std::filesystem::path folder() const { return folder_.path(); }
  std::filesystem::path ingest_socket() const { return folder_ / "run/ingest.sock"; }
  std::filesystem::path log_folder() const { return folder_ / "state/log"; }
  std::string nats_url() const { return "nats://127.0.0.1:" + std::to_string(nats_port_); }
  std::string hub_url() const { return "http://127.0.0.1:" + std::to_string(hub_port_); }
  std::string logs() const;  // the end of each part's own log

 private:
  static std::size_t index(Part part) { return static_cast<std::size_t>(part); }
  std::vector<std::string> command(Part part) const;
  std::filesystem::path log_file(Part part) const;
  void write_configuration(const std::string& model) const;

  TempDir folder_;
  std::string gateway_;
  std::uint16_t nats_port_;
  std::uint16_t hub_port_;
  std::array<std::optional<Process>, 4> parts_;
};

}  // namespace sluice::test
