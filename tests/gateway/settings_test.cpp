// SPDX-License-Identifier: Apache-2.0
#include "gateway/settings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_dir.hpp"

namespace sluice::gateway {
namespace {

class GatewaySettingsFile : public ::testing::Test {
 protected:
  core::Result<Settings> from(const std::string& text) {
    return load(folder_.write("sluice.toml", text).string());
  }
  std::string error_of(const std::string& text) {
    const auto settings = from(text);
    EXPECT_FALSE(settings) << text;
    if (settings) return {};
    EXPECT_EQ(settings.error().code, core::Errc::kConfig);
    std::string message = settings.error().message;
    const std::string file = (folder_ / "sluice.toml").string();
    EXPECT_TRUE(message.starts_with(file)) << message;
    return message.substr(file.size());
  }
  test::TempDir folder_;
};

TEST_F(GatewaySettingsFile, OnlyTheIdMustBeSet) {
  const auto settings = from("[gateway]\nid = \"plant-7\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->id->text(), "plant-7");
  EXPECT_EQ(settings->log_folder(), "/var/lib/sluice/log");
  EXPECT_EQ(settings->socket("ingest"), "/run/sluice/ingest.sock");
  EXPECT_EQ(settings->socket_mode, 0660u);
  EXPECT_EQ(settings->uplink_uids, std::vector<uid_t>{::geteuid()});
  EXPECT_TRUE(settings->ingest_uids.empty());
  EXPECT_FALSE(settings->tcp);
}

TEST_F(GatewaySettingsFile, WhatIsPrintedIsReadBack) {
  auto settings = from(
      "[gateway]\nid = \"p\"\nuplink_user = \"root\"\n[gateway.lanes]\nfire = \"alarm\"\n"
      "[log.alarm]\ncommit_interval = \"5ms\"\n[ingest]\nusers = [\"root\", \"65534\"]\n"
      "http_listen = \"localhost:8080\"\nhttp_hosts = [\"gw\"]\nmessage_bytes_max = \"2MiB\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->ingest_uids, (std::vector<uid_t>{0, 65534}));
  const std::string printed = print(*settings);
  auto again = from(printed);
  ASSERT_TRUE(again) << again.error().message << "\n" << printed;
  EXPECT_EQ(print(*again), printed);
  EXPECT_EQ(again->lane_of_category, (storage::LaneMap{{"fire", core::Lane::kAlarm}}));
  EXPECT_EQ(again->tcp->text(), "127.0.0.1:8080");
}

TEST_F(GatewaySettingsFile, TheUplinksSectionIsLeftAlone) {
  EXPECT_TRUE(from("[gateway]\nid = \"p\"\n[uplink]\nanything = 1\n[uplink.tls]\nca = \"x\"\n"));
}

TEST_F(GatewaySettingsFile, EachMistakeNamesFileLineAndKey) {
  const std::string id = "[gateway]\nid = \"p\"\n";
  const std::pair<std::string, const char*> cases[] = {
      {"[gateway]\nid = \"Plant 7\"\n", ":2: gateway.id: "},
      {"[gateway]\nstate = \"/x\"\n", ": gateway.id: must be set"},
      {id + "colour = 1\n", ":3: gateway.colour: unknown key"},
      {id + "[ingets]\n", ":3: ingets: unknown section"},
      {id + "state = 7\n", ":3: gateway.state: must be text"},
      {id + "state = \"here\"\n", ":3: gateway.state: must be an absolute path"},
      {id + "uplink_user = \"no-such-user\"\n", ":3: gateway.uplink_user: there is no user"},
      {id + "[gateway.lanes]\npump = \"fast\"\n", ":3: gateway.lanes: pump: "},
      {id + "[gateway.lanes]\nsluice = \"alarm\"\n", ":3: gateway.lanes: the category sluice"},
      {id + "[ingest]\nsocket_mode = \"rw\"\n", ":4: ingest.socket_mode: "},
      {id + "[ingest]\nsocket_mode = \"7777\"\n", ":4: ingest.socket_mode: "},
      {id + "[ingest]\nconnections_max = 0\n",
       ":4: ingest.connections_max: must be a whole number"},
      {id + "[ingest]\nhttp_listen = \"nowhere\"\n", ":4: ingest.http_listen: "},
      {id + "[ingest]\nhttp_listen = \"0.0.0.0:80\"\n", ":4: ingest.http_listen: an address that"},
      {id + "[ingest]\ntoken_file = \"/no/such/file\"\n", ":4: ingest.token_file: cannot read"},
      {id + "[ingest]\nhttp_idle_timeout = 5\n",
       ":4: ingest.http_idle_timeout: must be a duration"},
      {id + "[log]\nretention = \"long\"\n", ":4: log.retention: must be a duration"},
      {id + "broken", ":3: "},
  };
  for (const auto& [text, expected] : cases) {
    const std::string message = error_of(text);
    EXPECT_TRUE(message.starts_with(expected)) << expected << " is not in " << message;
  }
}

TEST_F(GatewaySettingsFile, AllMistakesAreToldAtOnce) {
  const std::string message = error_of("[gateway]\nid = \"P\"\ncolour = 1\nstate = 7\n");
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 2) << message;
}

}  // namespace
}  // namespace sluice::gateway
