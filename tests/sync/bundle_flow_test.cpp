// SPDX-License-Identifier: Apache-2.0
// Events that go to the hub by hand: real programs, a real nats-server, and a read model's engine.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "projection/engine/engine.hpp"
#include "projection/query/query.hpp"
#include "sync/bundle_import.hpp"
#include "sync/import_turn.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using core::Lane;
using testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kOnce = R"(
model = "once"
version = 1
[table.event]
key = { gateway = "$gateway", epoch = "$epoch", lane = "$lane", seq = "$seq" }
[table.event.columns]
n = { type = "int", default = 0 }
late = "bool"
[[table.event.on]]
type = ["Started", "Stopped"]
inc = { n = 1 }
set = { late = "$late" }
)";

class BundleFlow : public testing::Test {
 protected:
  BundleFlow() : hub_(nats_.url()) {
    hub_.make_streams({.duplicate_window_ms = 100});
    fs::create_directories(stick());
    centre_key_ = first_word(sluice({"bundle", "key", "--sign-key", centre_file()}));
  }
  fs::path stick() const { return scratch_ / "stick"; }
  std::string centre_file() const { return scratch_ / "centre.key"; }
  std::string trust_file() const { return scratch_ / "trust"; }

  test::Finished sluice(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), test::program("sluice"));
    test::Process::Options how;
    how.environment = {"SLUICE_NATS=" + nats_.url()};
    return test::run(arguments, how, 120s);
  }
  static std::string first_word(const test::Finished& run) {
    EXPECT_EQ(run.code, 0) << run.output;
    const auto at = run.out.find("\"key\":\"");
    return at == std::string::npos ? "" : run.out.substr(at + 7, 44);
  }
  // The gateway's key is trusted from here on.
  void trust(const Installation& gateway) {
    const auto key = first_word(sluice({"bundle", "key", "--config", gateway.config()}));
    std::ofstream(trust_file(), std::ios::app) << "plant-7 " << key << "  # by hand\n";
  }
  test::Finished export_from(const Installation& gateway, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"bundle", "export",   "--out",
                                 stick(),  "--config", gateway.config()};
    all.insert(all.end(), more.begin(), more.end());
    const auto run = sluice(all);
    EXPECT_EQ(run.code, 0) << run.output;
    return run;
  }
  test::Finished import(const std::vector<std::string>& files, bool may_fail = false) {
    std::vector<std::string> all{"bundle",     "import",     "--trust",
                                 trust_file(), "--sign-key", centre_file()};
    all.insert(all.end(), files.begin(), files.end());
    const auto run = sluice(all);
    EXPECT_TRUE(may_fail || run.code == 0) << run.output;
    return run;
  }
  std::vector<std::string> files(const std::string& suffix, const std::string& part = "") const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(stick()))
      if (entry.path().string().ends_with(suffix) &&
          entry.path().filename().string().find(part) != std::string::npos)
        out.push_back(entry.path().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string receipt_key_line() const { return "receipt_key = \"" + centre_key_ + "\""; }
  test::Finished receipt(const Installation& gateway, const std::vector<std::string>& which) {
    std::vector<std::string> all{"bundle", "receipt", "--config", gateway.config()};
    all.insert(all.end(), which.begin(), which.end());
    return sluice(all);
  }

  struct Effects {
    std::size_t events = 0;
    std::size_t not_once = 0;
    std::size_t late = 0;
    std::uint64_t refused = 0;
  };
  // Reads the hub stream from its beginning into a new read model.
  Effects effects() {
    auto model = projection::Model::parse(kOnce, "once.model.toml");
    EXPECT_TRUE(model);
    const auto file = scratch_ / ("model-" + std::to_string(++models_) + ".db");
    core::SystemClock clock;
    core::NullLogger logger;
    auto engine = projection::Engine::open(*model, file, clock, logger);
    EXPECT_TRUE(engine);
    Effects out;
    const auto last = hub_.last_seq();
    for (std::uint64_t seq = 1; seq <= last; ++seq) {
      auto answer = hub_.connection().request("$JS.API.DIRECT.GET.EVENTS-main",
                                              "{\"seq\":" + std::to_string(seq) + "}", 5s);
      EXPECT_TRUE(answer);
      const auto subject = answer->header("Nats-Subject").value_or("");
      const auto id = answer->header("Nats-Msg-Id").value_or("");
      const projection::Incoming one{
          subject, id, answer->payload(),
          seq,     0,  answer->header(core::kLateHeader.data()).has_value()};
      const auto outcome = (*engine)->apply({"EVENTS-main", "now"}, {&one, 1});
      EXPECT_TRUE(outcome);
      out.refused += outcome->refused;
    }
    EXPECT_TRUE((*engine)->holes(10)->empty());
    auto query = projection::Query::open(*model, file);
    auto page = (*query)->run({"event", {}, {}, {}, 10'000, ""}, 20s);
    EXPECT_TRUE(page);
    for (const auto& row : page->rows) {
      ++out.events;
      if (std::get<std::int64_t>(row[4]) != 1) ++out.not_once;
      if (std::get<std::int64_t>(row[5]) == 1) ++out.late;
    }
    return out;
  }

  test::NatsServer nats_;
  HubOperator hub_;
  test::TempDir scratch_;
  std::string centre_key_;
  int models_ = 0;
};

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) {
      out[entry.path().string()] = "folder";
      continue;
    }
    std::ifstream file(entry.path(), std::ios::binary);
    out[entry.path().string()] = std::string{std::istreambuf_iterator<char>(file), {}};
  }
  return out;
}

TEST_F(BundleFlow, WhatTheHubLacksGoesByHandAndTheReceiptComesBack) {
  Installation gateway(nats_.url(), {.uplink = receipt_key_line()});
  gateway.start_sluiced();
  gateway.append(120);
  trust(gateway);
  export_from(gateway);
  ASSERT_EQ(hub_.last_seq(), 0u);
  const auto run = import({stick().string()});
  EXPECT_THAT(run.out, HasSubstr("\"published\":121"));  // lane telemetry with its EpochOpened
  expect_each_once(hub_.all(), Lane::kTelemetry, 1, 121);
  EXPECT_EQ(gateway.acked(), 0u);

  const auto back = receipt(gateway, files(".receipt"));
  EXPECT_EQ(back.code, 0) << back.output;
  EXPECT_EQ(gateway.acked(), 121u);
  EXPECT_THAT(receipt(gateway, files(".receipt")).out, HasSubstr("\"cursor_before\":121"));

  // The uplink has nothing to send, and believes the anchor: it goes on behind it.
  const auto before = hub_.last_seq();
  gateway.append(1);
  gateway.start_uplink();
  ASSERT_TRUE(test::eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  EXPECT_LE(hub_.last_seq() - before, 3u);
  expect_each_once(hub_.all(), Lane::kTelemetry, 1, 122);
}

TEST_F(BundleFlow, AReceiptCountsWithSluicedStoppedToo) {
  Installation gateway(nats_.url(), {.uplink = receipt_key_line()});
  gateway.start_sluiced();
  gateway.append(30);
  trust(gateway);
  export_from(gateway);
  import({stick().string()});
  gateway.sluiced->terminate();
  EXPECT_EQ(receipt(gateway, files(".receipt")).code, 0);
  gateway.start_sluiced();
  EXPECT_EQ(gateway.acked(), 31u);
}

TEST_F(BundleFlow, AReceiptThatIsNotForThisLogIsRefused) {
  Installation gateway(nats_.url(), {.uplink = receipt_key_line()});
  gateway.start_sluiced();
  gateway.append(30);
  trust(gateway);
  export_from(gateway, {"--lane", "telemetry"});
  gateway.append(30);
  export_from(gateway, {"--lane", "telemetry"});
  import({stick().string()});
  const auto receipts = files(".receipt");
  ASSERT_EQ(receipts.size(), 2u);
  // The second alone would leave a hole.
  const auto hole = receipt(gateway, {receipts[1]});
  EXPECT_EQ(hole.code, 2);
  EXPECT_THAT(hole.output, HasSubstr("give the receipts of the bundles before it"));

  std::ifstream in(receipts[0], std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_EQ(receipt(gateway, {scratch_.write("altered", bytes)}).code, 1);

  gateway.configure(nats_.url(), "");
  EXPECT_THAT(receipt(gateway, receipts).output, HasSubstr("receipt_key"));
  const auto stranger =
      first_word(sluice({"bundle", "key", "--sign-key", (scratch_ / "other.key").string()}));
  gateway.configure(nats_.url(), "receipt_key = \"" + stranger + "\"");
  EXPECT_THAT(receipt(gateway, receipts).output, HasSubstr("signed with another key"));

  Installation other(nats_.url(), {.uplink = receipt_key_line()});  // another card, same name
  other.start_sluiced();
  other.append(100);
  EXPECT_THAT(receipt(other, receipts).output, HasSubstr("another card's"));
  EXPECT_EQ(gateway.acked(), 0u);
  EXPECT_EQ(other.acked(), 0u);

  gateway.configure(nats_.url(), receipt_key_line());
  EXPECT_EQ(receipt(gateway, {receipts[1], receipts[0]}).code, 0);
  EXPECT_EQ(gateway.acked(), 61u);
}

TEST_F(BundleFlow, ImportedTwiceInAnyOrderWhileTheUplinkDrainsEachEventTakesEffectOnce) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  trust(gateway);
  for (int part = 0; part < 3; ++part) {
    gateway.append(400);
    export_from(gateway);
  }
  const auto telemetry = files(".slb", "telemetry");
  ASSERT_EQ(telemetry.size(), 3u);
  import({telemetry[2]});
  gateway.start_uplink();
  import({telemetry[1], telemetry[0]});
  import({stick().string()});
  ASSERT_TRUE(test::eventually([&] { return gateway.drained(); }, 90s)) << gateway.logs();
  for (const auto& receipt_file : files(".receipt")) fs::remove(receipt_file);
  import({telemetry[1]});
  const auto seen = effects();
  EXPECT_EQ(seen.events, 1200u);
  EXPECT_EQ(seen.not_once, 0u);
  EXPECT_EQ(seen.late, 0u);
  EXPECT_EQ(seen.refused, 0u);
  EXPECT_THAT(gateway.logs(), testing::Not(HasSubstr("IdentityInUse")));
  EXPECT_THAT(gateway.logs(), testing::Not(HasSubstr("StoppedAsClone")));
}

TEST_F(BundleFlow, WhatIsImportedAgainIsToldToBeThere) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  gateway.append(20);
  trust(gateway);
  export_from(gateway);
  import({stick().string()});
  const auto before = hub_.last_seq();
  const auto again = import({stick().string()});
  EXPECT_THAT(again.out, HasSubstr("nothing to do"));
  EXPECT_EQ(hub_.last_seq(), before);
}

TEST_F(BundleFlow, ADeadCardsEventsComeOnceAndLateAndTheCardIsNotTouched) {
  Installation old_card(nats_.url());
  old_card.start();
  old_card.append(50);
  ASSERT_TRUE(test::eventually([&] { return old_card.drained(); }, 60s)) << old_card.logs();
  old_card.uplink->kill();
  old_card.append(70);
  old_card.sluiced->kill();  // the card is pulled out; its WAL is not empty

  Installation new_card(nats_.url());
  new_card.start();
  new_card.append(30);
  ASSERT_TRUE(test::eventually([&] { return new_card.drained(); }, 60s)) << new_card.logs();

  const std::string key_file = scratch_ / "field.key";
  const auto key = first_word(sluice({"bundle", "key", "--sign-key", key_file}));
  std::ofstream(trust_file()) << "plant-7 " << key << "\n";
  const auto before = contents(old_card.state());
  const auto live = sluice({"bundle", "export", "--out", stick(), "--state", new_card.state()});
  EXPECT_EQ(live.code, 5);
  EXPECT_THAT(live.output, HasSubstr("a program writes the log"));
  const auto no_key = sluice({"bundle", "export", "--out", stick(), "--state", old_card.state()});
  EXPECT_EQ(no_key.code, 1);
  EXPECT_THAT(no_key.output, HasSubstr("a card is not written to"));
  const auto no_room = test::run({"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"",
                                  test::program("sluice"), "bundle", "export", "--out", stick(),
                                  "--state", old_card.state(), "--sign-key", key_file});
  EXPECT_EQ(no_room.code, 1);
  EXPECT_THAT(no_room.output, HasSubstr("is there room? TMPDIR"));  // it is not the card's fault
  const auto exported = sluice(
      {"bundle", "export", "--out", stick(), "--state", old_card.state(), "--sign-key", key_file});
  ASSERT_EQ(exported.code, 0) << exported.output;
  EXPECT_EQ(contents(old_card.state()), before);

  const auto imported = import({stick().string()});
  EXPECT_THAT(imported.out, HasSubstr("\"late\":true"));
  new_card.append(30);
  ASSERT_TRUE(test::eventually([&] { return new_card.drained(); }, 90s)) << new_card.logs();
  const auto seen = effects();
  EXPECT_EQ(seen.events, 180u);
  EXPECT_EQ(seen.not_once, 0u);
  EXPECT_EQ(seen.late, 70u);
  // What the import brought hides the newest message of the uplink's anchors, and is no reason to
  // send everything again.
  EXPECT_THAT(new_card.logs(), testing::Not(HasSubstr("sending again")));
}

TEST_F(BundleFlow, WhatCannotBeTrustedIsRefusedBeforeAnythingIsPublished) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  gateway.append(40);
  std::ofstream(trust_file()) << "# nobody yet\n";
  export_from(gateway);
  const auto bundle = files(".slb", "telemetry").at(0);

  const auto unknown = import({bundle}, true);
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.output, HasSubstr("not trusted for gateway plant-7"));
  EXPECT_THAT(unknown.output, HasSubstr("add the line 'plant-7 "));

  trust(gateway);
  const auto shard =
      sluice({"bundle", "import", bundle, "--trust", trust_file(), "--shard", "north"});
  EXPECT_EQ(shard.code, 2);
  EXPECT_THAT(shard.output, HasSubstr("belongs to shard main"));

  std::ifstream in(bundle, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const auto torn = import({bundle, scratch_.write("torn.slb", bytes.substr(0, 300))}, true);
  EXPECT_EQ(torn.code, 1);
  EXPECT_THAT(torn.output, HasSubstr("torn"));
  std::string other = bytes;
  other[bytes.size() / 3] ^= 16;
  const auto altered = import({bundle, scratch_.write("altered.slb", other)}, true);
  EXPECT_EQ(altered.code, 1);
  EXPECT_THAT(altered.output, HasSubstr("damaged or altered"));
  EXPECT_EQ(import({scratch_.write("letter.slb", "Dear Sir or Madam")}, true).code, 1);
  EXPECT_EQ(hub_.last_seq(), 0u);
}

TEST_F(BundleFlow, WrongArgumentsAreNamed) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  const auto shard = sluice(
      {"bundle", "export", "--out", stick(), "--config", gateway.config(), "--shard", "Not.One"});
  EXPECT_EQ(shard.code, 2);
  EXPECT_THAT(shard.output, HasSubstr("'Not.One' is not 1 to 32 of a-z"));
  export_from(gateway);
  const auto bundle = files(".slb", "alarm").at(0);
  const auto trust = sluice({"bundle", "import", bundle, "--trust", stick()});
  EXPECT_EQ(trust.code, 1);
  EXPECT_THAT(trust.output, HasSubstr("Is a directory"));
  const auto folder = receipt(gateway, {"--receipt-key", centre_key_, stick()});
  EXPECT_EQ(folder.code, 1);
  EXPECT_THAT(folder.output, HasSubstr("Is a directory"));
  const auto key = sluice({"bundle", "key", "--sign-key", stick()});
  EXPECT_THAT(key.output, HasSubstr("not a plain file"));
  std::ofstream(trust_file())
      << sluice({"bundle", "key", "--config", gateway.config()}).out;  // as `> trust` makes it
  EXPECT_EQ(
      sluice({"bundle", "import", bundle, "--trust", trust_file(), "--receipt-dir", stick()}).code,
      2);  // no receipts without a key
  import({bundle});
  EXPECT_GT(hub_.last_seq(), 0u);
}

TEST_F(BundleFlow, AnImportOutlivesTheHubsRestart) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  gateway.append(30'000);
  trust(gateway);
  export_from(gateway);
  test::Process::Options how;
  how.environment = {"SLUICE_NATS=" + nats_.url()};
  test::Process run(
      {test::program("sluice"), "bundle", "import", stick().string(), "--trust", trust_file()},
      how);
  ASSERT_TRUE(test::eventually([&] { return hub_.last_seq() > 2000; }));
  nats_.kill();
  nats_.start();
  EXPECT_EQ(run.wait(120s), 0) << run.output();
  HubOperator after(nats_.url());
  std::map<core::Seq, int> seen;
  for (const auto& message : after.all())
    if (const auto identity = core::Identity::parse(message.identity);
        identity && identity->lane == Lane::kTelemetry)
      ++seen[identity->seq];
  EXPECT_EQ(seen.size(), 30'001u);
}

TEST_F(BundleFlow, AnInterruptedImportGoesOnWhereItsReceiptEnds) {
  Installation gateway(nats_.url());
  gateway.start_sluiced();
  gateway.append(5000);
  trust(gateway);
  export_from(gateway, {"--lane", "telemetry"});
  const auto key = core::SigningKey::generate();
  core::SystemClock clock;
  ImportOrder order;
  for (const auto& file : files(".slb")) order.files.emplace_back(file);
  std::ifstream in(trust_file());
  order.trust = *TrustList::parse(std::string{std::istreambuf_iterator<char>(in), {}}, "trust");
  order.hub.login.urls = {nats_.url()};
  order.hub.give_up = 2s;
  order.hub.window_events = 64;
  order.receipt_key = &key;
  order.receipt_every = 0ms;
  order.turn.dead = 1500ms;
  ImportProgress progress;
  progress.publishing = [&](std::uint64_t done, std::uint64_t) {
    if (done > 1500 && nats_.running()) nats_.kill();
  };
  const auto broken = import_bundles(order, clock, progress);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, core::Errc::kUnavailable);
  nats_.start();
  const auto whole = import_bundles(order, clock, {});
  ASSERT_TRUE(whole) << core::to_string(whole.error());
  ASSERT_EQ(whole->size(), 1u);
  EXPECT_GT(whole->front().begun_at, 1000u);
  HubOperator after(nats_.url());
  std::set<core::Seq> seen;
  for (const auto& message : after.all()) seen.insert(core::Identity::parse(message.identity)->seq);
  EXPECT_EQ(seen.size(), 5001u);
  EXPECT_EQ(import_bundles(order, clock, {})->front().begun_at, 0u);  // nothing to do
}

TEST_F(BundleFlow, AnImportWaitsForAnotherUntilThatIsDoneOrDead) {
  ImportTurn::Timing quick;
  quick.dead = 1500ms;
  quick.look = 50ms;
  quick.answer = 100ms;
  std::string notices;
  const auto note = [&](const std::string& words) { notices += words + "; "; };
  ImportTurn first("plant-7", core::Epoch{1}, quick, note);
  ImportTurn second("plant-7", core::Epoch{1}, quick, note);
  ImportTurn third("plant-7", core::Epoch{1}, quick, note);
  ASSERT_TRUE(first.take(hub_.connection()));
  ASSERT_TRUE(second.take(hub_.connection()));  // the first never renews
  EXPECT_THAT(notices, HasSubstr("waiting for its end"));
  EXPECT_THAT(notices, HasSubstr("the other import is gone"));
  notices.clear();
  second.release(hub_.connection());
  ASSERT_TRUE(third.take(hub_.connection()));
  EXPECT_EQ(notices, "");
}

TEST_F(BundleFlow, AnUplinkThatIsOnlineWaitsUntilTheImportIsDone) {
  Installation gateway(nats_.url());
  gateway.start();
  gateway.append(10);
  ASSERT_TRUE(test::eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  std::string notices;
  ImportTurn turn("plant-7", core::Epoch{1}, {},
                  [&](const std::string& words) { notices += words; });
  ASSERT_TRUE(turn.take(hub_.connection()));
  EXPECT_EQ(notices, "");
  EXPECT_TRUE(turn.running());
  ASSERT_TRUE(test::eventually([&] {
    return gateway.link("last_error").find("bundle import") != std::string::npos;
  })) << gateway.logs();
  const auto before = hub_.last_seq();
  gateway.append(10);
  EXPECT_FALSE(test::eventually([&] { return hub_.last_seq() != before; }, 3s));
  turn.release(hub_.connection());
  EXPECT_TRUE(test::eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  expect_each_once(hub_.all(), Lane::kTelemetry, 1, 21);
}

}  // namespace
}  // namespace sluice::sync
