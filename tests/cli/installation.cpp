// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/installation.hpp"

#include <filesystem>
#include <stdexcept>

#include "core/text.hpp"

namespace sluice::cli {

Gateway::Gateway(const std::string& more, const std::string& nats_url) : nats_url_(nats_url) {
  std::filesystem::create_directories(state());
  std::filesystem::create_directories(run());
  folder_.write("gateway.toml",
                "[gateway]\nid = \"cli-test\"\nstate = \"" + state() + "\"\nrun = \"" + run() +
                    "\"\n" + more +
                    (nats_url.empty() ? "" : "\n[uplink]\nurls = [\"" + nats_url + "\"]\n"));
}

Gateway::~Gateway() {
  stop();
}

void Gateway::start() {
  sluiced_ = std::make_unique<test::Process>(
      std::vector<std::string>{test::program("sluiced"), "--config", config()});
  if (!test::eventually([&] { return sluice({"status"}).code == 0; }))
    throw std::runtime_error("sluiced does not start: " + sluiced_->output());
}

void Gateway::start_uplink() {
  uplink_ = std::make_unique<test::Process>(
      std::vector<std::string>{test::program("sluice-uplink"), "--config", config()});
}

void Gateway::kill() {
  sluiced_->kill();
}

void Gateway::stop() {
  if (uplink_) uplink_->terminate();
  if (sluiced_) sluiced_->terminate();
  uplink_.reset();
  sluiced_.reset();
}

std::vector<std::string> Gateway::environment() const {
  return {"SLUICE_GATEWAY=" + run(), "SLUICE_NATS=" + nats_url_, "SLUICE_HUB=http://127.0.0.1:9"};
}

test::Finished Gateway::sluice(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.begin(), test::program("sluice"));
  test::Process::Options options;
  options.environment = environment();
  options.input = input;
  return test::run(arguments, options);
}

test::Process Gateway::launch(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.begin(), test::program("sluice"));
  test::Process::Options options;
  options.environment = environment();
  options.input = input;
  return test::Process(arguments, options);
}

std::vector<core::json::object> documents(const std::string& out) {
  std::vector<core::json::object> list;
  for (const std::string_view line : core::split(out, '\n')) {
    if (line.empty()) continue;
    const auto document = core::parse_json(line);
    if (!document || !document->is_object())
      throw std::runtime_error("not a line of JSON: " + std::string(line));
    list.push_back(document->get_object());
  }
  return list;
}

}  // namespace sluice::cli
