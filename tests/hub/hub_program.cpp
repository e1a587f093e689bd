// SPDX-License-Identifier: Apache-2.0
#include "tests/hub/hub_program.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sluice::test {

const char* const kPumpsModel = R"(
model = "pumps"
version = 1

[table.events]
key = { gateway = "$gateway", epoch = "$epoch", lane = "$lane", seq = "$seq" }
columns = { n = { type = "int", default = 0 }, value = "int" }
[[table.events.on]]
type = "Measured"
inc = { n = 1 }
set = { value = ".value" }

[table.readings]
key = { gateway = "$gateway", k = { type = "int", from = ".k" } }
columns = { n = { type = "int", default = 0 }, last_value = "int", last_at = "time" }
[[table.readings.on]]
type = "Measured"
inc = { n = 1 }
latest = { last_value = ".value", last_at = "$time" }

[view.totals]
sql = "SELECT gateway, sum(n) AS n FROM readings GROUP BY gateway"
)";

HubProgram::HubProgram(const std::string& nats_url) : HubProgram(nats_url, Options()) {}

HubProgram::HubProgram(const std::string& nats_url, Options options)
    : port_(free_port()), environment_(std::move(options.environment)) {
  folder_.write("pumps.model.toml", options.model);
  if (!options.beside.empty()) folder_.write("beside.model.toml", options.beside);
  if (options.listen == "127.0.0.1:0") options.listen = "127.0.0.1:" + std::to_string(port_);
  folder_.write("hub.toml", "[hub]\nurls = [\"" + nats_url + "\"]\nmodels = [\"" +
                                folder_.path().string() + "\"]\nstate = \"" +
                                (folder_ / "state").string() + "\"\nlisten = \"" + options.listen +
                                "\"\n" + options.more + "\n");
  start();
}

void HubProgram::start() {
  Process::Options options;
  options.log_file = folder_ / "log";
  options.environment = environment_;
  process_ = std::make_unique<Process>(
      std::vector<std::string>{program("sluice-hub"), "--config", (folder_ / "hub.toml").string()},
      options);
  if (!eventually([&] { return port_answers(port_) || !process_->running(); }) ||
      !process_->running())
    throw std::runtime_error("sluice-hub did not start:\n" + log());
}

std::string HubProgram::log() const {
  std::ifstream in(folder_ / "log");
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string HubProgram::address() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

http::Client HubProgram::client(const std::string& token) const {
  const auto endpoint = http::Endpoint::parse(address());
  if (!endpoint) throw std::runtime_error(core::to_string(endpoint.error()));
  http::Client::Options options;
  options.token = token;
  return http::Client(*endpoint, options);
}

http::Response HubProgram::get(const std::string& target, const std::string& token) const {
  auto answer = client(token).get(target);
  if (!answer) throw std::runtime_error(target + ": " + core::to_string(answer.error()) + log());
  return *answer;
}

http::Response HubProgram::get_with(const std::string& target, const http::Pairs& headers) const {
  auto answer = client({}).get(target, headers);
  if (!answer) throw std::runtime_error(target + ": " + core::to_string(answer.error()) + log());
  return *answer;
}

http::Response HubProgram::post(const std::string& target, const std::string& body,
                                const std::string& token) const {
  auto answer = client(token).post(target, body);
  if (!answer) throw std::runtime_error(target + ": " + core::to_string(answer.error()) + log());
  return *answer;
}

core::json::object HubProgram::json(const std::string& target) const {
  const auto answer = get(target);
  auto parsed = core::parse_json(answer.body);
  if (answer.status != 200 || !parsed || !parsed->is_object())
    throw std::runtime_error(target + ": " + std::to_string(answer.status) + " " + answer.body);
  return std::move(parsed->as_object());
}

double HubProgram::metric(const std::string& line_start) const {
  std::stringstream lines(get("/metrics").body);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(line_start + " ")) return std::stod(line.substr(line_start.size()));
  return -1;
}

std::size_t HubProgram::row_count(const std::string& target) const {
  return json(target).at("rows").as_array().size();
}

std::int64_t HubProgram::effects() const {
  std::int64_t sum = 0;
  const auto answer = json("/v1/models/pumps/totals");
  for (const auto& row : answer.at("rows").as_array()) sum += row.as_object().at("n").as_int64();
  return sum;
}

}  // namespace sluice::test
