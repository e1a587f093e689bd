// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/system/edge.hpp"

namespace sluice::test {

// The whole of Sluice on loopback, as real processes: nats-server, sluice-hub, and one gateway,
// with state in a scratch folder and ports of its own. Each part can be killed and started again on
// the same state. Further gateways: make an Edge with nats_url(). One thread.
class Installation {
 public:
  enum class Part { kNats, kGateway, kUplink, kHub };
  static constexpr std::array<Part, 4> kParts = {Part::kNats, Part::kGateway, Part::kUplink,
                                                 Part::kHub};

  // `model` is the text of the one read model that the hub builds.
  explicit Installation(const std::string& model);

  // Starts every part and makes the hub streams. False: something did not come up; see logs().
  bool start();
  void start(Part part);
  bool provision();      // makes the hub streams; nats-server must be up
  void kill(Part part);  // SIGKILL, reaped
  bool running(Part part);
  // Starts again whatever has ended, as a supervisor would.
  void supervise();

  Edge& edge() { return edge_; }
  std::filesystem::path folder() const { return folder_.path(); }
  std::filesystem::path nats_store() const { return folder_ / "nats"; }
  std::string nats_url() const { return "nats://127.0.0.1:" + std::to_string(nats_port_); }
  std::string hub_url() const { return "http://127.0.0.1:" + std::to_string(hub_port_); }
  std::string logs() const;  // the end of each part's own log

 private:
  std::optional<Process>& process(Part part);

  TempDir folder_;
  std::uint16_t nats_port_;
  std::uint16_t hub_port_;
  Edge edge_;
  std::optional<Process> nats_;
  std::optional<Process> hub_;
};

}  // namespace sluice::test
