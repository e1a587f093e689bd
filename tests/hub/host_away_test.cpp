// SPDX-License-Identifier: Apache-2.0
// A model is opened while its PostgreSQL takes no more connections, from whichever on: that passes,
// so nothing is dropped, and nothing is called wrong with the model or its file.
#include <gtest/gtest.h>

#include "core/logger.hpp"
#include "hub/versions/model_host.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::hub {
namespace {

// The versions of another store, whose databases nobody reaches when there are no connections
// left, of which each question costs one.
class ClosingStore final : public VersionStore {
 public:
  ClosingStore(std::unique_ptr<VersionStore> inner, int& connections)
      : inner_(std::move(inner)), connections_(connections) {}
  core::Result<void> enter() override { return inner_->enter(); }
  void leave() override { inner_->leave(); }
  core::Result<VersionBook> read() override { return inner_->read(); }
  core::Result<VersionBook> load(std::int64_t now_ns) override { return inner_->load(now_ns); }
  core::Result<void> hold_still(const VersionId& id) override { return inner_->hold_still(id); }
  void let_go() override { inner_->let_go(); }
  core::Result<void> reopen(const VersionId& id) override { return inner_->reopen(id); }
  core::Result<void> save(const VersionBook& book) override {
    if (connections_ < 0) return core::fail(core::Errc::kUnavailable, "too many clients");
    return inner_->save(book);
  }
  core::Result<void> serve(const VersionBook& book) override { return inner_->serve(book); }
  core::Result<void> drop(const VersionId& id) override { return inner_->drop(id); }
  projection::Place place(const VersionId& id) const override {
    projection::Place out = inner_->place(id);
    if (--connections_ < 0) out.conninfo = "host=/nonexistent dbname=none";
    return out;
  }
  std::uint64_t bytes(const VersionId& id) const override { return inner_->bytes(id); }

 private:
  const std::unique_ptr<VersionStore> inner_;
  int& connections_;
};

class HostAwayTest : public testing::Test {
 protected:
  static FoundDefinition definition(int version) {
    const std::string text =
        "model = \"pumps\"\ntarget = \"postgres\"\nversion = " + std::to_string(version) +
        "\n[table.t]\nkey = { gateway = \"$gateway\" }\n"
        "columns = { n = \"int\" }\n"
        "[[table.t.on]]\ntype = \"Measured\"\ncount = \"n\"\n";
    auto model = projection::Model::parse(text, "pumps.model.toml");
    EXPECT_TRUE(model) << core::to_string(model.error());
    return {"pumps", "pumps.model.toml", *model, {}};
  }
  core::Result<std::shared_ptr<ModelHost>> open(const FoundDefinition& file, int connections) {
    ModelHost::Parts parts;
    connections_ = connections;
    parts.store = std::make_unique<ClosingStore>(versions(), connections_);
    parts.make_feeds = [](EngineHost&) { return ModelVersion::Feeds(); };
    return ModelHost::open(file, std::move(parts), clock_, log_);
  }
  std::unique_ptr<VersionStore> versions() const {
    return postgres_versions(server_.conninfo(), "pumps");
  }
  VersionBook book() {
    auto loaded = versions()->load(clock_.wall_ns());
    EXPECT_TRUE(loaded);
    return *loaded;
  }
  static constexpr int kMany = 1000;
  // Opens it with ever more connections, until that goes well.
  std::shared_ptr<ModelHost> open_at_last(const FoundDefinition& file, int& tries) {
    const VersionBook before = book();
    for (tries = 0; tries < 50; ++tries) {
      auto host = open(file, tries);
      if (host) return *host;
      EXPECT_EQ(host.error().code, core::Errc::kUnavailable)
          << tries << ": " << core::to_string(host.error());
      EXPECT_EQ(book(), before) << tries;
    }
    return nullptr;
  }

  test::PostgresServer server_;
  core::ManualClock clock_;
  core::NullLogger log_;
  int connections_ = 0;
};

TEST_F(HostAwayTest, NoVersionIsDroppedWhicheverConnectionFails) {
  ASSERT_TRUE(open(definition(1), kMany));
  ASSERT_TRUE(open(definition(2), kMany));  // is to be built
  const VersionBook both = book();
  ASSERT_EQ(both.versions.size(), 2u);
  ASSERT_NE(both.coming(), nullptr);
  int tries = 0;
  const auto host = open_at_last(definition(2), tries);
  EXPECT_GE(tries, 4);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->status().serving, (VersionId{1, 1}));
  ASSERT_TRUE(host->status().building);
  EXPECT_EQ(host->status().building->id, (VersionId{2, 1}));
}

// The book said that it is built before its database could be made.
TEST_F(HostAwayTest, AVersionThatCouldNotBeBegunIsBegunAtTheNextReload) {
  for (int tries = 0;; ++tries) {
    ASSERT_LT(tries, 20);
    const auto host = open(definition(1), kMany);
    ASSERT_TRUE(host);
    connections_ = tries;
    const auto reloaded = (*host)->reload(definition(2));
    if (reloaded) {
      EXPECT_GE(tries, 1);
      return;
    }
    EXPECT_EQ(reloaded.error().code, core::Errc::kUnavailable);
    EXPECT_FALSE((*host)->status().building) << tries;
    connections_ = kMany;
    const auto again = (*host)->reload(definition(2));
    ASSERT_TRUE(again) << tries << ": " << core::to_string(again.error());
    EXPECT_EQ((*host)->status().problem, "") << tries;
    ASSERT_TRUE((*host)->status().building) << tries;
    ASSERT_TRUE((*host)->reload(definition(1)));  // back to the beginning
    const auto store = versions();
    auto fresh = store->load(clock_.wall_ns());
    ASSERT_TRUE(fresh);
    ASSERT_TRUE(store->drop({2, 1}));
    fresh->forget({2, 1});
    fresh->taken = 1;
    ASSERT_TRUE(store->save(*fresh));
  }
}

TEST_F(HostAwayTest, NeitherIsABrokenModelFileBlamed) {
  ASSERT_TRUE(open(definition(1), kMany));
  const FoundDefinition broken{"pumps", "pumps.model.toml", nullptr, "pumps.model.toml:1: no TOML"};
  int tries = 0;
  const auto host = open_at_last(broken, tries);
  EXPECT_GE(tries, 3);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->status().serving, (VersionId{1, 1}));
  EXPECT_NE(host->status().problem.find("no TOML"), std::string::npos);
}

}  // namespace
}  // namespace sluice::hub
