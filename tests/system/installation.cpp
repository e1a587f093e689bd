// SPDX-License-Identifier: Apache-2.0
#include "tests/system/installation.hpp"

#include <cstdlib>

namespace sluice::test {
namespace {

std::string nats_server_program() {
  const char* chosen = std::getenv("SLUICE_NATS_SERVER");
  return chosen != nullptr && *chosen != '\0' ? chosen : "nats-server";
}

}  // namespace

Installation::Installation(const std::string& model)
    : nats_port_(free_port()),
      hub_port_(free_port()),
      edge_(folder_ / "plant-7", "plant-7", nats_url()) {
  for (const char* name : {"hub", "models", "nats"})
    std::filesystem::create_directories(folder_ / name);
  const std::string root = folder_.path().string();
  folder_.write("nats.conf", "listen: \"127.0.0.1:" + std::to_string(nats_port_) +
                                 "\"\njetstream { store_dir: \"" + nats_store().string() +
                                 "\" }\n");
  folder_.write("models/test.model.toml", model);
  folder_.write("hub.toml",
                "[hub]\nurls = [\"" + nats_url() + "\"]\nshards = [\"main\"]\nmodels = [\"" + root +
                    "/models\"]\nstate = \"" + root +
                    "/hub\"\nlisten = \"127.0.0.1:" + std::to_string(hub_port_) + "\"\n");
}

std::optional<Process>& Installation::process(Part part) {
  switch (part) {
    case Part::kNats:
      return nats_;
    case Part::kGateway:
      return edge_.sluiced();
    case Part::kUplink:
      return edge_.uplink();
    case Part::kHub:
      break;
  }
  return hub_;
}

void Installation::start(Part part) {
  Process::Options options;
  switch (part) {
    case Part::kNats:
      options.log_file = folder_ / "nats-server.log";
      nats_.emplace(
          std::vector<std::string>{nats_server_program(), "-c", (folder_ / "nats.conf").string()},
          options);
      break;
    case Part::kGateway:
      edge_.start_sluiced();
      break;
    case Part::kUplink:
      edge_.start_uplink();
      break;
    case Part::kHub:
      options.log_file = folder_ / "sluice-hub.log";
      hub_.emplace(std::vector<std::string>{program("sluice-hub"), "--config",
                                            (folder_ / "hub.toml").string()},
                   options);
      break;
  }
}

bool Installation::provision() {
  const bool up = eventually([&] { return port_answers(nats_port_); });
  if (!up) return false;
  // Right after its start nats-server may still refuse JetStream's requests for a moment.
  return eventually([&] {
    const Finished made = run({program("sluice"), "provision", "--nats", nats_url(), "--max-bytes",
                               "1GiB", "--keep-forever"});
    folder_.write("provision.log", made.output);
    return made.code == 0;
  });
}

bool Installation::start() {
  start(Part::kNats);
  if (!provision()) return false;
  for (const Part part : {Part::kGateway, Part::kUplink, Part::kHub}) start(part);
  return eventually(
      [&] { return socket_answers(edge_.ingest_socket()) && port_answers(hub_port_); });
}

void Installation::kill(Part part) {
  if (auto& one = process(part)) one->kill();
}

bool Installation::running(Part part) {
  auto& one = process(part);
  return one && one->running();
}

void Installation::supervise() {
  for (const Part part : kParts)
    if (!running(part)) start(part);
}

std::string Installation::logs() const {
  std::string text = last_lines(folder_ / "provision.log");
  for (const char* name : {"nats-server", "sluice-hub"})
    text +=
        "\n--- " + std::string(name) + "\n" + last_lines(folder_ / (std::string(name) + ".log"));
  return text + edge_.logs();
}

}  // namespace sluice::test
