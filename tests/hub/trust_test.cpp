// SPDX-License-Identifier: Apache-2.0
// sluice-hub and the command line upon a real nats-server: verify, parked events, as of, diff, the
// state of a stream.
#include <gmock/gmock.h>

#include <filesystem>

#include "core/text.hpp"
#include "projection/database/target.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::TestPublisher;
using testing::HasSubstr;
namespace json = core::json;

class TrustTest : public testing::Test {
 protected:
  TrustTest() {
    publisher_.make_hub_stream("main");
    publisher_.epoch_opened({}, 1);
  }
  test::Finished sluice(std::vector<std::string> words) const {
    words.insert(words.begin(), test::program("sluice"));
    words.insert(words.end(), {"--json", "--hub", hub_->address(), "--nats", server_.url()});
    return test::run(words);
  }
  // The last line of what a verb printed, as JSON.
  static json::object document(const test::Finished& run) {
    const auto lines = core::split(run.out, '\n');
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
      if (!line->empty()) {
        auto parsed = core::parse_json(*line);
        EXPECT_TRUE(parsed && parsed->is_object()) << run.output;
        return parsed && parsed->is_object() ? parsed->get_object() : json::object();
      }
    ADD_FAILURE() << run.output;
    return {};
  }
  bool caught_up(std::int64_t effects) {
    return eventually([&] { return hub_->effects() == effects; });
  }
  // The database of the serving version.
  std::filesystem::path database() const {
    for (const auto& entry : std::filesystem::directory_iterator(hub_->folder() / "state"))
      if (entry.path().filename().string().starts_with("pumps-v") &&
          entry.path().extension() == ".db")
        return entry.path();
    return {};
  }

  test::NatsServer server_;
  TestPublisher publisher_{server_.url()};
  std::unique_ptr<HubProgram> hub_ = std::make_unique<HubProgram>(server_.url());
};

TEST_F(TrustTest, AModelIsVerifiedAndWhatWasTamperedWithIsFound) {
  publisher_.events({}, 2, 501);
  ASSERT_TRUE(caught_up(500)) << hub_->log();
  const auto good = sluice({"model", "verify", "pumps"});
  EXPECT_EQ(good.code, 0) << good.output << hub_->log();
  EXPECT_EQ(document(good).at("state").as_string(), "good");
  EXPECT_EQ(document(good).at("rows").as_int64(), 510);
  {
    auto target = projection::Target::open(database(), projection::Access::kWrite);
    ASSERT_TRUE(target);
    ASSERT_TRUE((*target)->exec("UPDATE readings SET n = n - 1 WHERE k = 7"));
  }
  const auto bad = sluice({"model", "verify", "pumps"});
  EXPECT_EQ(bad.code, 1) << bad.output;
  const json::object told = document(bad);
  EXPECT_EQ(told.at("state").as_string(), "differs");
  const json::array& findings = told.at("report").as_object().at("findings").as_array();
  ASSERT_EQ(findings.size(), 1u);
  const json::object& finding = findings[0].as_object();
  EXPECT_EQ(finding.at("table").as_string(), "readings");
  EXPECT_EQ(finding.at("key").as_object().at("k").as_int64(), 7);
  EXPECT_EQ(finding.at("columns").as_array()[0].as_object().at("expected").as_int64(), 50);
  EXPECT_EQ(finding.at("columns").as_array()[0].as_object().at("found").as_int64(), 49);
  EXPECT_EQ(finding.at("first_event").as_object().at("position").as_int64(), 497);
  EXPECT_EQ(hub_->metric("sluice_hub_verify_differences{model=\"pumps\"}"), 1);
  EXPECT_THAT(hub_->log(), HasSubstr("ModelDiffers"));
  const auto models = hub_->json("/v1/models/pumps");
  EXPECT_EQ(models.at("verify").as_object().at("state").as_string(), "differs");
  // The rows are still wrong when the hub has been started again, and the alert goes on.
  hub_->kill();
  hub_->start();
  const auto after = hub_->json("/v1/verify/pumps");
  EXPECT_EQ(after.at("state").as_string(), "differs");
  EXPECT_EQ(after.at("at"), told.at("at"));
  EXPECT_EQ(after.at("report"), told.at("report"));
  EXPECT_EQ(hub_->metric("sluice_hub_verify_differences{model=\"pumps\"}"), 1);
  // Of a database that was built anew nothing is known yet.
  EXPECT_EQ(sluice({"model", "rebuild", "pumps", "--reason", "it differs"}).code, 0);
  EXPECT_TRUE(eventually(
      [&] { return hub_->json("/v1/verify/pumps").at("state").as_string() == "never"; }, 30s))
      << hub_->log();
  EXPECT_EQ(hub_->metric("sluice_hub_verify_differences{model=\"pumps\"}"), -1);
}

TEST_F(TrustTest, AParkedEventIsShownAndGivenUpAndItsStreamGoesOn) {
  publisher_.event({}, 2, "Measured", R"({"k": 1, "value": "high"})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"k": 1, "value": 5})", "pump/1");
  publisher_.event({}, 4, "Measured", R"({"k": 2, "value": 6})", "pump/2");
  ASSERT_TRUE(caught_up(1)) << hub_->log();
  const auto listed = sluice({"parked", "list"});
  EXPECT_EQ(listed.code, 0) << listed.output;
  const std::string event(document(listed).at("event").as_string());
  EXPECT_EQ(document(listed).at("behind").as_int64(), 1);
  const auto shown = sluice({"parked", "show", "pumps", event});
  EXPECT_THAT(shown.out, HasSubstr("high"));
  const auto retried = sluice({"parked", "retry", "pumps", event});
  EXPECT_EQ(retried.code, 1) << retried.output;
  EXPECT_FALSE(document(retried).at("settled").as_bool());
  const auto skipped = sluice({"parked", "skip", "pumps", event, "--reason", "bench test"});
  EXPECT_EQ(skipped.code, 0) << skipped.output;
  EXPECT_EQ(document(skipped).at("applied").as_int64(), 1);
  EXPECT_EQ(hub_->effects(), 2);
  EXPECT_THAT(hub_->log(), HasSubstr("ParkedSkipped"));
  EXPECT_THAT(sluice({"parked", "list"}).out, testing::Not(HasSubstr("poison")));
  // The deed is part of what the model is compared with.
  EXPECT_EQ(sluice({"model", "verify", "pumps"}).code, 0);
  // As of a moment before it the stream still waits, as of a later one it went on.
  const auto built = [&](const std::string& when, const std::string& file) {
    const auto as_of = sluice({"model", "as-of", "pumps", when, "--into", file});
    EXPECT_EQ(as_of.code, 0) << as_of.output;
    auto then = projection::Target::open(std::filesystem::path(file), projection::Access::kRead);
    return then ? *projection::query_int(**then, "SELECT count(*) FROM readings") : -1;
  };
  EXPECT_EQ(built("3", (hub_->folder() / "before.db").string()), 0);
  EXPECT_EQ(built("now", (hub_->folder() / "after.db").string()), 2);
  const auto changed = sluice({"model", "diff", "pumps", "4", "now"});
  EXPECT_EQ(changed.code, 0) << changed.output;
  EXPECT_EQ(document(changed).at("summary").as_array()[0].as_object().at("added").as_int64(), 1);
}

TEST_F(TrustTest, AHoleThatWasSteppedOverIsOneAsOfALaterMoment) {
  publisher_.events({}, 2, 3);
  publisher_.events({}, 6, 7);
  ASSERT_TRUE(caught_up(2)) << hub_->log();
  const auto skipped =
      sluice({"holds", "skip", "--gateway-id", "plant-7", "--epoch", "0000000000001111", "--lane",
              "telemetry", "--to", "5", "--reason", "the card burned"});
  EXPECT_EQ(skipped.code, 0) << skipped.output;
  EXPECT_EQ(hub_->effects(), 4);
  const auto events = [&](const std::string& when, const std::string& name) {
    const std::string file = (hub_->folder() / name).string();
    const auto as_of = sluice({"model", "as-of", "pumps", when, "--into", file});
    EXPECT_EQ(as_of.code, 0) << as_of.output;
    auto then = projection::Target::open(std::filesystem::path(file), projection::Access::kRead);
    return then ? *projection::query_int(**then, "SELECT count(*) FROM events") : -1;
  };
  EXPECT_EQ(events("5", "before.db"), 2);
  EXPECT_EQ(events("now", "after.db"), 4);
  EXPECT_EQ(sluice({"model", "verify", "pumps"}).code, 0);
}

TEST_F(TrustTest, AModelIsBuiltAsOfAPositionAndComparedWithNow) {
  publisher_.events({}, 2, 301);
  ASSERT_TRUE(caught_up(300)) << hub_->log();
  const std::string file = (hub_->folder() / "then.db").string();
  const auto built = sluice({"model", "as-of", "pumps", "101", "--into", file});
  EXPECT_EQ(built.code, 0) << built.output;
  EXPECT_EQ(document(built).at("applied").as_int64(), 101);
  auto then = projection::Target::open(std::filesystem::path(file), projection::Access::kRead);
  ASSERT_TRUE(then);
  EXPECT_EQ(*projection::query_int(**then, "SELECT sum(n) FROM readings"), 100);
  EXPECT_EQ(sluice({"model", "as-of", "pumps", "now", "--into", file}).code, 2);  // it is there
  for (const std::string& a : {std::string("101"), file}) {
    const auto diff = sluice({"model", "diff", "pumps", a, "now"});
    EXPECT_EQ(diff.code, 0) << diff.output;
    const json::array summary = document(diff).at("summary").as_array();
    ASSERT_EQ(summary.size(), 2u);
    EXPECT_EQ(summary[0].as_object().at("added").as_int64(), 200);
    EXPECT_EQ(summary[1].as_object().at("changed").as_int64(), 10);
  }
  const auto wrong = sluice({"model", "as-of", "pumps", "yesterday", "--into", file + "2"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("yesterday"));
  const auto beyond = sluice({"model", "as-of", "pumps", "302", "--into", file + "2"});
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.output, HasSubstr("EVENTS-main ends at message 301"));
  const auto future = sluice({"model", "as-of", "pumps", "2126-01-01T00:00:00Z", "--into", file});
  EXPECT_EQ(future.code, 2);
  EXPECT_THAT(future.output, HasSubstr("in the future"));
}

TEST_F(TrustTest, AStreamIsShownAtAVersion) {
  publisher_.event({}, 2, "Measured", R"({"k": 1, "value": 4})", "pump/7");
  publisher_.event({}, 3, "Measured", R"({"k": 2, "value": 5})", "pump/8");
  publisher_.event({}, 4, "Moved", R"({"to": "hall 2"})", "pump/7");
  publisher_.event({}, 5, "Measured", R"({"k": 1, "value": 9})", "pump/7");
  ASSERT_TRUE(caught_up(3)) << hub_->log();
  const auto now = sluice({"stream", "state", "plant-7/pump/7", "--model", "pumps"});
  EXPECT_EQ(now.code, 0) << now.output;
  const json::object told = document(now);
  EXPECT_EQ(told.at("events").as_int64(), 3);
  const json::object& fields = told.at("fields").as_object();
  EXPECT_EQ(fields.at("value").as_object().at("value").as_int64(), 9);
  EXPECT_EQ(fields.at("to").as_object().at("value").as_string(), "hall 2");
  EXPECT_EQ(told.at("rows").as_object().at("readings").as_array()[0].as_object().at("n").as_int64(),
            2);
  const auto version = std::to_string(fields.at("to").as_object().at("version").as_int64());
  const auto then = sluice({"stream", "state", "plant-7/pump/7", "--at", version});
  EXPECT_EQ(document(then).at("events").as_int64(), 2);
  EXPECT_EQ(document(then).at("fields").as_object().at("value").as_object().at("value").as_int64(),
            4);
  EXPECT_EQ(sluice({"stream", "state", "plant-7/pump/99"}).code, 1);
  // The publisher numbers versions as it does events: 1 and 3 are of nobody.
  EXPECT_EQ(told.at("missing").as_int64(), 2);
  const auto& missing = told.at("missing_versions").as_array();
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_EQ(missing[1].as_object().at("from").as_int64(), 3);
  EXPECT_EQ(missing[1].as_object().at("to").as_int64(), 3);
  const auto beyond = sluice({"stream", "state", "plant-7/pump/7", "--at", "6"});
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.output, HasSubstr("the newest version"));
}

}  // namespace
}  // namespace sluice
