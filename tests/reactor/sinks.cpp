// SPDX-License-Identifier: Apache-2.0
#include "tests/reactor/sinks.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace sluice::test {

namespace {
std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}
}  // namespace

Sinks::Sinks(std::vector<std::string> options) {
  std::vector<std::string> command{"python3", SLUICE_SOURCE_DIR "/tests/reactor/sinks.py",
                                   folder_.path().string()};
  command.insert(command.end(), options.begin(), options.end());
  process_ = std::make_unique<Process>(command);
  if (!eventually([&] { return std::filesystem::exists(folder_ / "smtp_port"); }))
    throw std::runtime_error("the sinks did not start: " + process_->output());
  http_port_ = first_line(folder_ / "http_port");
  smtp_port_ = first_line(folder_ / "smtp_port");
}

std::string Sinks::http_url(const std::string& path) const {
  return "http://127.0.0.1:" + http_port_ + path;
}

std::string Sinks::smtp_url() const {
  return "smtp://127.0.0.1:" + smtp_port_;
}

void Sinks::answers(const std::string& json) const {
  folder_.write("answers.new", json);
  std::filesystem::rename(folder_ / "answers.new", folder_ / "answers.json");
}

std::vector<core::json::object> Sinks::received() const {
  std::ifstream in(folder_ / "received.jsonl");
  std::vector<core::json::object> out;
  for (std::string line; std::getline(in, line);)
    if (auto parsed = core::parse_json(line)) out.push_back(std::move(parsed->as_object()));
  return out;
}

std::vector<core::json::object> Sinks::received(const std::string& path_or_mail) const {
  std::vector<core::json::object> out;
  for (auto& one : received()) {
    const auto* path = one.if_contains("path");
    if (path != nullptr ? path->as_string() == path_or_mail
                        : one.at("kind").as_string() == path_or_mail)
      out.push_back(std::move(one));
  }
  return out;
}

}  // namespace sluice::test
