// SPDX-License-Identifier: Apache-2.0
#include "tests/support/nats_server.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace sluice::test {

namespace fs = std::filesystem;

namespace {

std::string binary() {
  const char* named = std::getenv("SLUICE_NATS_SERVER");
  return named != nullptr && *named != '\0' ? named : "nats-server";
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

NatsServer::NatsServer() : NatsServer(Options{}) {}

NatsServer::NatsServer(Options options) : options_(std::move(options)), port_(options_.port) {
  start();
}

NatsServer::~NatsServer() {
  if (process_) process_->kill();
}

std::string NatsServer::url() const {
  return "nats://127.0.0.1:" + std::to_string(port_);
}
fs::path NatsServer::store() const {
  return folder_ / "store";
}
fs::path NatsServer::config_file() const {
  return folder_ / "server.conf";
}
std::string NatsServer::log() const {
  return read_file(folder_ / "server.log");
}

void NatsServer::write_config() {
  std::ofstream file(config_file());
  file << "listen: \"127.0.0.1:" << (port_ == 0 ? "-1" : std::to_string(port_)) << "\"\n"
       << "ports_file_dir: \"" << folder_.path().string() << "\"\n"
       << "jetstream {\n  store_dir: \"" << store().string()
       << "\"\n  max_mem: 64MB\n  max_file: " << options_.max_file_store << "\n}\n"
       << options_.config << "\n";
}

void NatsServer::start() {
  write_config();
  Process::Options how;
  how.log_file = folder_ / "server.log";
  process_ = std::make_unique<Process>(
      std::vector<std::string>{binary(), "-c", config_file().string()}, how);
  wait_until_ready();
}

// The ports file is written once the server listens; JetStream has recovered by then.
void NatsServer::wait_until_ready() {
  const auto ports_file = [&]() -> fs::path {
    const std::string suffix = "_" + std::to_string(process_->pid()) + ".ports";
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().ends_with(suffix)) return entry.path();
    }
    return {};
  };
  const bool ready = eventually(
      [&] {
        if (!process_->running()) return true;
        const auto path = ports_file();
        if (path.empty()) return false;
        std::smatch found;
        const std::string text = read_file(path);
        if (!std::regex_search(text, found, std::regex(R"((?:nats|tls)://[^":]+:(\d+))")))
          return false;
        port_ = static_cast<std::uint16_t>(std::stoi(found[1].str()));
        return port_answers(port_);
      },
      std::chrono::seconds(60));
  if (!ready || !process_->running())
    throw std::runtime_error("nats-server (" + binary() + ") does not start:\n" + log());
}

void NatsServer::kill() {
  if (process_) process_->kill();
}

void NatsServer::stop() {
  if (process_) process_->terminate();
}

void NatsServer::pause() {
  process_->signal(SIGSTOP);
}
void NatsServer::resume() {
  process_->signal(SIGCONT);
}
void NatsServer::reload() {
  process_->signal(SIGHUP);
}

void NatsServer::delete_store() {
  fs::remove_all(store());
}

void NatsServer::copy_store(const fs::path& to) const {
  fs::remove_all(to);
  fs::copy(store(), to, fs::copy_options::recursive);
}

void NatsServer::restore_store(const fs::path& from) {
  fs::remove_all(store());
  fs::copy(from, store(), fs::copy_options::recursive);
}

}  // namespace sluice::test
