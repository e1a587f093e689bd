// SPDX-License-Identifier: Apache-2.0
#include "tests/system/installation.hpp"

#include <cstdlib>
#include <fstream>

namespace sluice::test {
namespace {

constexpr std::array<const char*, 4> kNames = {"nats-server", "sluiced", "sluice-uplink",
                                               "sluice-hub"};

std::string nats_server_program() {
  const char* chosen = std::getenv("SLUICE_NATS_SERVER");
  return chosen != nullptr && *chosen != '\0' ? chosen : "nats-server";
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

}  // namespace

Installation::Installation(const std::string& model, const std::string& gateway)
    : gateway_(gateway), nats_port_(free_port()), hub_port_(free_port()) {
  write_configuration(model);
}

void Installation::write_configuration(const std::string& model) const {
  for (const char* name : {"run", "state", "hub", "models", "nats"})
    std::filesystem::create_directories(folder_ / name);
  const std::string root = folder_.path().string();
  folder_.write("nats.conf", "listen: \"127.0.0.1:" + std::to_string(nats_port_) +
                                 "\"\njetstream { store_dir: \"" + root + "/nats\" }\n");
  folder_.write("models/test.model.toml", model);
  // A kill test ends the daemon every second: the pause after an early end would be all it sees.
  folder_.write("sluice.toml",
                "[gateway]\nid = \"" + gateway_ + "\"\nstate = \"" + root + "/state\"\nrun = \"" +
                    root + "/run\"\n[log]\nrestart_wait_max = \"0ms\"\n[uplink]\nurls = [\"" +
                    nats_url() + "\"]\n");
  folder_.write("hub.toml",
                "[hub]\nurls = [\"" + nats_url() + "\"]\nshards = [\"main\"]\nmodels = [\"" + root +
                    "/models\"]\nstate = \"" + root +
                    "/hub\"\nlisten = \"127.0.0.1:" + std::to_string(hub_port_) + "\"\n");
}

std::vector<std::string> Installation::command(Part part) const {
  switch (part) {
    case Part::kNats:
      return {nats_server_program(), "-c", (folder_ / "nats.conf").string()};
    case Part::kGateway:
      return {program("sluiced"), "--config", (folder_ / "sluice.toml").string()};
    case Part::kUplink:
      return {program("sluice-uplink"), "--config", (folder_ / "sluice.toml").string()};
    case Part::kHub:
      return {program("sluice-hub"), "--config", (folder_ / "hub.toml").string()};
  }
  return {};
}

std::filesystem::path Installation::log_file(Part part) const {
  return folder_ / (std::string(kNames[index(part)]) + ".log");
}

void Installation::start(Part part) {
  Process::Options options;
  options.log_file = log_file(part);
  parts_[index(part)].emplace(command(part), options);
}

bool Installation::start() {
  start(Part::kNats);
  if (!eventually([&] { return port_answers(nats_port_); })) return false;
  const Finished made = run({program("sluice"), "provision", "--nats", nats_url(), "--max-bytes",
                             "1073741824", "--keep-forever"});
  if (made.code != 0) {
    folder_.write("provision.log", made.output);
    return false;
  }
  for (const Part part : {Part::kGateway, Part::kUplink, Part::kHub}) start(part);
  return eventually([&] { return socket_answers(ingest_socket()) && port_answers(hub_port_); });
}

void Installation::kill(Part part) {
  if (auto& process = parts_[index(part)]) process->kill();
}

bool Installation::running(Part part) {
  auto& process = parts_[index(part)];
  return process && process->running();
}

void Installation::supervise() {
  for (const Part part : kParts)
    if (!running(part)) start(part);
}

std::string Installation::logs() const {
  std::string text = last_lines(folder_ / "provision.log");
  for (const Part part : kParts)
    text += "\n--- " + std::string(kNames[index(part)]) + "\n" + last_lines(log_file(part));
  return text;
}

}  // namespace sluice::test
