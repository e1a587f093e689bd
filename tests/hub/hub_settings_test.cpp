// SPDX-License-Identifier: Apache-2.0
#include "hub/settings/hub_settings.hpp"

#include <gtest/gtest.h>

#include "hub/api/rows.hpp"
#include "hub/page.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::hub {
namespace {

class HubSettingsTest : public testing::Test {
 protected:
  core::Result<HubSettings> load(const std::string& text) {
    return load_settings(folder_.write("hub.toml", text).string());
  }
  std::string refusal(const std::string& text) {
    const auto loaded = load(text);
    if (loaded) return "accepted";
    EXPECT_EQ(loaded.error().code, core::Errc::kConfig);
    return loaded.error().message;
  }
  test::TempDir folder_;
};

TEST_F(HubSettingsTest, WhatIsPrintedReadsBackTheSame) {
  const auto loaded = load(
      "[hub]\nname = \"centre\"\nshards = [\"main\", \"south\"]\nmodels = [\"a.model.toml\"]\n"
      "urls = [\"nats://hub-1:4222\"]\nlisten = \"127.0.0.1:0\"\ncheck_interval = \"10s\"\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->shards.size(), 2u);
  const std::string printed = print_settings(*loaded);
  const auto again = load(printed);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print_settings(*again), printed);
}

TEST_F(HubSettingsTest, AWrongSettingIsNamedWithFileLineAndKey) {
  EXPECT_NE(refusal("[hub]\nnmae = \"x\"\n").find("hub.toml:2: hub.nmae: unknown key"),
            std::string::npos);
  EXPECT_NE(refusal("[hub]\nshards = \"main\"\n").find("hub.toml:2: hub.shards:"),
            std::string::npos);
  EXPECT_NE(refusal("[hub]\nshards = [\"main\", \"main\"]\n").find("twice"), std::string::npos);
  EXPECT_NE(refusal("[hub]\nshards = [\"a.b\"]\n").find("hub.shards"), std::string::npos);
  EXPECT_NE(refusal("[hub]\nname = \"Hub!\"\n").find("hub.name"), std::string::npos);
  EXPECT_NE(refusal("[hub]\nurls = []\n").find("hub.urls"), std::string::npos);
  EXPECT_NE(refusal("[hub]\nlisten = \"nowhere\"\n").find("hub.listen"), std::string::npos);
  EXPECT_NE(refusal("[gateway]\nid = \"x\"\n").find("gateway: unknown section"), std::string::npos);
}

TEST_F(HubSettingsTest, AnAddressThatOthersCanReachNeedsATokenFile) {
  EXPECT_NE(refusal("[hub]\nlisten = \"0.0.0.0:8090\"\n").find("token_file"), std::string::npos);
  EXPECT_TRUE(load("[hub]\nlisten = \"0.0.0.0:8090\"\ntoken_file = \"/etc/sluice/tokens\"\n"));
}

TEST_F(HubSettingsTest, TheReadDatabasesPasswordComesFromAFile) {
  EXPECT_EQ(*postgres_login(HubSettings{}), "");
  EXPECT_NE(refusal("[hub]\npostgres = \"host=x port\"\n").find("hub.toml:2: hub.postgres:"),
            std::string::npos);
  EXPECT_NE(refusal("[hub]\npostgres_password_file = \"/x\"\n").find("postgres_password_file"),
            std::string::npos);
  HubSettings settings;
  settings.postgres = "postgresql://sluice@db.example/reads";
  EXPECT_EQ(*postgres_login(settings), "user='sluice' dbname='reads' host='db.example'");
  settings.postgres_password_file = folder_.write("password", "it's\n").string();
  EXPECT_EQ(*postgres_login(settings),
            "user='sluice' dbname='reads' host='db.example' password='it\\'s'");
  settings.postgres_password_file = (folder_ / "absent").string();
  EXPECT_EQ(postgres_login(settings).error().code, core::Errc::kConfig);
  settings.postgres_password_file = "credential:postgres";
  EXPECT_EQ(postgres_login(settings).error().code, core::Errc::kConfig);
}

TEST_F(HubSettingsTest, ModelsComeFromFilesAndFolders) {
  std::filesystem::create_directory(folder_ / "models");
  folder_.write("models/b.model.toml", "");
  folder_.write("models/a.model.toml", "");
  folder_.write("models/notes.txt", "");
  const auto single = folder_.write("c.toml", "");
  HubSettings settings;
  settings.models = {(folder_ / "models").string(), single.string(), single.string()};
  const auto files = model_files(settings);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), 3u);
  settings.models = {(folder_ / "absent").string()};
  EXPECT_FALSE(model_files(settings));
  std::filesystem::create_directory(folder_ / "empty");
  settings.models = {(folder_ / "empty").string()};
  EXPECT_FALSE(model_files(settings));
}

// All who wait for their writes and all streams at once are no reason to keep a health check
// waiting.
TEST(HubSettings, LeaveConnectionsForOthersThanThoseWhoWait) {
  const HubSettings settings;
  EXPECT_GE(settings.http.connections_max, RowsApi::kWaitingMax + settings.http.streams_max + 64);
}

TEST(Page, HoldsNoInlineScriptOrStyleAndNoForeignAddress) {
  ASSERT_FALSE(page_files().empty());
  for (const PageFile& file : page_files()) {
    EXPECT_FALSE(file.content.empty()) << file.name;
    EXPECT_EQ(file.content.find("innerHTML"), std::string_view::npos) << file.name;
    EXPECT_EQ(file.content.find(" style="), std::string_view::npos) << file.name;
    EXPECT_EQ(file.content.find("onclick="), std::string_view::npos) << file.name;
    EXPECT_EQ(file.content.find("<script>"), std::string_view::npos) << file.name;
    if (file.name.ends_with(".min.js")) continue;  // a library names its home in a comment
    EXPECT_EQ(file.content.find("https://"), std::string_view::npos) << file.name;
  }
}

}  // namespace
}  // namespace sluice::hub
