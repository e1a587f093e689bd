// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "core/json.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/hub/version_reader.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {

// A hub with the model `pumps` (summed_model), whose versions change.
class VersionsTest : public testing::Test {
 protected:
  static HubProgram::Options options(const std::string& text, const std::string& more = {}) {
    HubProgram::Options out;
    out.model = text;
    out.more = more;
    return out;
  }
  void fill(core::Seq last) {
    publisher_.epoch_opened({}, 1);
    publisher_.events({}, 2, last);
    filled_ = last;
  }
  // Traffic until stop_traffic(): about 2,000 events a second.
  void start_traffic() {
    feeder_ = std::thread([this] {
      TestPublisher publisher(server_.url());
      while (!stopping_) {
        publisher.events({}, filled_ + 1, filled_ + 100);
        filled_ += 100;
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping_.load(); });
      }
    });
  }
  void stop_traffic() {
    stopping_ = true;
    wake_.notify_all();
    if (feeder_.joinable()) feeder_.join();
  }
  void TearDown() override { stop_traffic(); }

  static core::json::object pumps(const HubProgram& hub) {
    return core::json::object(hub.json("/v1/models").at("models").as_array().at(0).as_object());
  }
  // Empty while the model is away: right after a kill PostgreSQL may still be ending what the hub
  // before it was at.
  static std::string serving(const HubProgram& hub) {
    const auto document = hub.json("/v1/models");
    const auto& models = document.at("models").as_array();
    return models.empty() ? std::string()
                          : std::string(models.at(0).as_object().at("serving").as_string());
  }
  static bool all_there(const HubProgram& hub, std::int64_t n) {
    if (serving(hub).empty()) return false;
    const auto rows = hub.json("/v1/models/pumps/sums").at("rows").as_array();
    return rows.size() == 1 && rows[0].as_object().at("n").as_int64() == n &&
           hub.row_count("/v1/models/pumps/events?n__ne=1") == 0;
  }
  static void edit(const HubProgram& hub, const std::string& text) {
    hub.folder().write("pumps.model.toml", text);
  }
  static http::Response post(const HubProgram& hub, const std::string& verb,
                             const std::string& body = R"({"reason":"test"})") {
    return hub.post("/v1/models/" + verb, body);
  }
  // summed_model(), which minds no value.
  static std::string careless(int version) {
    const std::string rule = "latest = { last_value = \".value\" }\n";
    std::string text = summed_model(version);
    return text.erase(text.find(rule), rule.size());
  }
  // Why the version under construction cannot serve; waits for that. Empty: it does not say.
  static std::string stuck(const HubProgram& hub) {
    std::string why;
    (void)eventually([&] {
      const auto now = pumps(hub);
      if (now.at("building").is_null()) return false;
      const auto& building = now.at("building").as_object();
      if (building.at("state") != "waiting" && building.at("state") != "refused") return false;
      why = building.at("why").as_string();
      return true;
    });
    return why;
  }
  static std::string link(const HubProgram& hub) {
    std::error_code error;
    return std::filesystem::read_symlink(hub.folder() / "state/pumps.db", error).string();
  }

  NatsServer server_;
  TestPublisher publisher_{server_.url()};
  std::atomic<core::Seq> filled_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread feeder_;
};

}  // namespace sluice::test
