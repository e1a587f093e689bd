// SPDX-License-Identifier: Apache-2.0
// nats-server is there and says no: full, not permitted, too large.
#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"
#include "core/codec/messages.hpp"
#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

// The part of a server's configuration that changes while it is there. nats-server's `include` is
// relative to the file that says it: both folders lie side by side.
class ConfigPart {
 public:
  explicit ConfigPart(const std::string& text) { set(text); }
  void set(const std::string& text) { folder_.write("part.conf", text + "\n"); }
  std::string include() const {
    return "include \"../" + folder_.path().filename().string() + "/part.conf\"";
  }

 private:
  TempDir folder_;
};

void set_max_bytes(const std::string& url, std::int64_t max_bytes) {
  sync::HubOperator hub(url);
  auto config = hub.ask("STREAM.INFO.EVENTS-main").at("config");
  config.as_object()["max_bytes"] = max_bytes;
  hub.ask("STREAM.UPDATE.EVENTS-main", core::to_json(config.as_object()));
}

bool last_error_has(Site& site, const std::string& words) {
  return site.waits_until(
      [&] { return site.gateway().link("last_error").find(words) != std::string::npos; }, 60s);
}

TEST(HubRefusal, FullHubStreamIsWaitedForInOrder) {
  NatsServer server;
  Site site({.nats_urls = {server.url()}});
  site.start_without_uplink();
  set_max_bytes(server.url(), 200 * 1024);
  site.gateway().start_uplink();
  for (int i = 0; i < 2; ++i) site.add_device({});
  const std::uint64_t runs = lab_runs(2);
  std::int64_t room = 200 * 1024;
  for (std::uint64_t run = 0; run < runs; ++run) {
    EXPECT_TRUE(last_error_has(site, "maximum bytes")) << site.logs();
    site.append_more(200);
    room += 200 * 1024;
    set_max_bytes(server.url(), run + 1 == runs ? 1 << 30 : room);
    site.append_more(200);
  }
  expect_nothing_lost(site.judge("hub: stream full (discard new)", runs), site);
}

std::string user(const std::string& name, const std::string& more) {
  return "{ user: " + name + ", password: secret, " + more + " }";
}
std::string accounts(const std::string& gateway_may_publish) {
  return "accounts { PLANT { jetstream: enabled, users: [ " + user("operator", "") + ", " +
         user("plant-7", "permissions: { publish: { allow: [ " + gateway_may_publish +
                             " ] }, subscribe: { allow: [ \"_INBOX_plant-7.>\", "
                             "\"need.plant-7\" ] } }") +
         " ] } }";
}
const char* const kMayPublish =
    "\"ev.main.plant-7.>\", \"$KV.SLUICE-REPORTS.plant-7\", \"$JS.API.STREAM.INFO.EVENTS-main\", "
    "\"$JS.API.DIRECT.GET.EVENTS-main.ev.main.plant-7.>\", "
    "\"$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS.plant-7\"";
const char* const kMayNotPublishEvents =
    "\"$KV.SLUICE-REPORTS.plant-7\", \"$JS.API.STREAM.INFO.EVENTS-main\", "
    "\"$JS.API.DIRECT.GET.EVENTS-main.ev.main.plant-7.>\", "
    "\"$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS.plant-7\"";

TEST(HubRefusal, PermissionTakenAwayAndGivenBackLosesNothing) {
  ConfigPart part(accounts(kMayPublish));
  NatsServer server({.config = part.include()});
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  Site site({.nats_urls = {"nats://operator:secret@" + host},
             .gateway_url = "nats://plant-7:secret@" + host});
  site.start();
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site.append_more(200);
    part.set(accounts(kMayNotPublishEvents));
    server.reload();
    EXPECT_TRUE(
        site.waits_until([&] { return site.gateway().last() > site.gateway().acked() + 200; }, 60s))
        << site.logs();
    EXPECT_TRUE(last_error_has(site, "ermission")) << site.gateway().link("last_error");
    part.set(accounts(kMayPublish));
    server.reload();
    site.append_more(200);
  }
  expect_nothing_lost(site.judge("hub: permission refused", runs), site);
}

TEST(HubRefusal, LoweredMaxPayloadMakesGapRecordsOfWhatIsTooLargeAndNothingElse) {
  ConfigPart part("max_payload: 1048576");
  NatsServer server({.config = part.include()});
  Site site({.nats_urls = {server.url()}});
  site.start();
  site.append_more(200);
  server.kill();
  auto& gateway = site.gateway();
  for (int i = 0; i < 3; ++i) {
    gateway.append(1, 60'000);
    site.append_more(50);
  }
  part.set("max_payload: 30000");
  server.start();
  site.append_more(200);
  expect_nothing_lost(site.judge("hub: max_payload lowered", 1), site);
  std::size_t oversize = 0;
  for (const auto& message : sync::HubOperator(server.url()).all()) {
    const auto identity = core::Identity::parse(message.identity);
    if (!identity || identity->to == 0) continue;
    const auto event = codec::decode_event(message.body);
    ASSERT_TRUE(event) << event.error().message;
    const auto gap = codec::decode_gap(event->data);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->reason, core::GapReason::kOversize);
    EXPECT_EQ(gap->to, event->seq);
    ++oversize;
  }
  EXPECT_EQ(oversize, 3u);
}

}  // namespace
}  // namespace sluice::test
