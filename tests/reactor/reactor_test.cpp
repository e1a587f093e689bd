// SPDX-License-Identifier: Apache-2.0
// Reactors of the built sluice-hub, against a real nats-server, HTTP receiver and mail server: one
// letter per event, whatever is sent again, read again, killed or away.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/hash.hpp"
#include "core/text.hpp"
#include "http/router.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/reactor/sinks.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::Sinks;
using test::TestPublisher;

class ReactorTest : public testing::Test {
 protected:
  ReactorTest() { publisher_.make_hub_stream("main"); }

  std::string reactor(const std::string& more = {}, const std::string& from = "now") {
    return "reactor = \"notes\"\nfrom = \"" + from +
           "\"\n[[on]]\ntype = \"Measured\"\nwebhook = { url = \"" + sinks_.http_url("/hook") +
           "\" }\n[delivery]\nbackoff_first = \"20ms\"\nbackoff_last = \"100ms\"\ntimeout = "
           "\"2s\"\n" +
           more;
  }
  void write(const std::string& text) { files_.write("notes.reactor.toml", text); }
  HubProgram start() {
    HubProgram::Options options;
    options.more = "check_interval = \"200ms\"\nreactors = [\"" + files_.path().string() + "\"]\n";
    return HubProgram(server_.url(), options);
  }
  // How often each seq came in full.
  std::map<std::string, int> effects(const std::string& where = "/hook") const {
    std::map<std::string, int> out;
    for (const auto& one : sinks_.received(where))
      if (one.at("status").as_int64() / 100 == 2)
        out[std::string(one.at("headers").at("idempotency-key").as_string())] += 1;
    return out;
  }
  static std::int64_t figure(const HubProgram& hub, const char* name) {
    return hub.json("/v1/reactors")
        .at("reactors")
        .at(0)
        .at("reactions")
        .at(0)
        .at(name)
        .to_number<std::int64_t>();
  }
  static bool has_begun(const HubProgram& hub) {
    return hub.json("/v1/reactors").at("reactors").at(0).at("shards").at(0).at("lag").as_int64() ==
               0 &&
           hub.json("/v1/reactors")
                   .at("reactors")
                   .at(0)
                   .at("shards")
                   .at(0)
                   .at("position")
                   .as_int64() > 0;
  }
  void measured(core::Seq from, core::Seq to, const std::string& stream = {}) {
    for (core::Seq seq = from; seq <= to; ++seq)
      publisher_.event({}, seq, "Measured", "{\"k\": 1, \"value\": " + std::to_string(seq) + "}",
                       stream.empty() ? "pump/" + std::to_string(seq % 5) : stream);
  }

  test::NatsServer server_;
  TestPublisher publisher_{server_.url()};
  Sinks sinks_;
  test::TempDir files_;
};

TEST_F(ReactorTest, BeginsWithWhatComesAndSendsEachEventOnce) {
  publisher_.epoch_opened({}, 1);
  measured(2, 20);
  write(reactor("", "now"));
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  measured(21, 40);
  measured(21, 30);  // the hub's own window lets none of these through, the gate would not either
  ASSERT_TRUE(eventually([&] { return effects().size() == 20; })) << hub.log();
  for (const auto& [key, count] : effects()) {
    EXPECT_EQ(count, 1) << key;
    EXPECT_GE(core::Identity::parse(key.substr(14))->seq, 21u) << key;
  }
  const auto first = sinks_.received("/hook").front();
  const auto body = core::parse_json(std::string_view(first.at("body").as_string()));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->at("key").as_string(), first.at("headers").at("idempotency-key").as_string());
  EXPECT_EQ(body->at("event").at("type").as_string(), "Measured");
  EXPECT_TRUE(eventually([&] { return figure(hub, "sent") == 20; }));
  EXPECT_EQ(hub.metric(R"(sluice_reactor_sent_total{reactor="notes",reaction="webhook"})"), 20);
}

TEST_F(ReactorTest, FromTheBeginningOnlyIfItsFileSaysSo) {
  publisher_.epoch_opened({}, 1);
  measured(2, 20);
  write(reactor("", "beginning"));
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return effects().size() == 19; })) << hub.log();
}

TEST_F(ReactorTest, AHubStreamMadeAnewAndSentAgainHasNoEffect) {
  publisher_.epoch_opened({}, 1);
  measured(2, 10);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  measured(11, 20);
  ASSERT_TRUE(eventually([&] { return effects().size() == 10; })) << hub.log();
  publisher_.delete_hub_stream("main");
  publisher_.make_hub_stream("main");
  publisher_.epoch_opened({}, 1);
  measured(2, 30);
  ASSERT_TRUE(eventually([&] { return effects().size() == 20; }, 40s)) << hub.log();
  for (const auto& [key, count] : effects()) EXPECT_EQ(count, 1) << key;
}

TEST_F(ReactorTest, AChangedFileGoesOnWhereItWas) {
  publisher_.epoch_opened({}, 1);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  measured(2, 10);
  ASSERT_TRUE(eventually([&] { return effects().size() == 9; })) << hub.log();
  EXPECT_EQ(hub.terminate(), 0);
  measured(11, 20);  // nobody reads these while it is away
  write(reactor("\n[[on]]\ntype = \"Measured\"\nname = \"second\"\nwebhook = { url = \"" +
                sinks_.http_url("/second") + "\", headers = { X-Value = \"{.value}\" } }\n"));
  hub.start();
  ASSERT_TRUE(eventually([&] { return effects().size() == 19 && effects("/second").size() == 10; }))
      << hub.log();
  std::set<std::string> values;  // streams go side by side
  for (const auto& one : sinks_.received("/second"))
    values.insert(std::string(one.at("headers").at("x-value").as_string()));
  EXPECT_TRUE(values.size() == 10 && values.contains("11") && values.contains("20"));
}

TEST_F(ReactorTest, AKillBetweenSendingAndMarkingSendsAgainWithTheSameKey) {
  publisher_.epoch_opened({}, 1);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"/hook": [{"hang": 30}, {"hang": 30}, {"hang": 30}, {"hang": 30}, 200]})");
  measured(2, 21);
  ASSERT_TRUE(eventually([&] { return sinks_.received("/hook").size() == 4; })) << hub.log();
  hub.kill();
  hub.start();
  ASSERT_TRUE(eventually([&] {
    return sinks_.received("/hook").size() == 24 && figure(hub, "sent") == 20;
  })) << hub.log();
  std::map<std::string, int> tries;
  for (const auto& one : sinks_.received("/hook"))
    tries[std::string(one.at("headers").at("idempotency-key").as_string())] += 1;
  EXPECT_EQ(tries.size(), 20u);  // a receiver that honours the key has each once
}

TEST_F(ReactorTest, KillsAtAnyTimeLoseAndInventNothing) {
  publisher_.epoch_opened({}, 1);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  core::Seq seq = 2;
  for (int round = 0; round < 4; ++round) {
    measured(seq, seq + 49);
    seq += 50;
    const auto before = sinks_.received("/hook").size();
    ASSERT_TRUE(eventually([&] { return sinks_.received("/hook").size() > before + 5; }))
        << hub.log();
    hub.kill();
    hub.start();
  }
  ASSERT_TRUE(eventually([&] { return effects().size() == 200 && figure(hub, "waiting") == 0; }))
      << hub.log();
  int more = 0;
  for (const auto& [key, count] : effects()) more += count - 1;
  EXPECT_LE(more, 4 * 4);  // at most what was on its way at each kill
}

TEST_F(ReactorTest, ARefusedLetterIsDeadUntilAnOperatorDecides) {
  publisher_.epoch_opened({}, 1);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"/hook": [422, 200, 410, 200]})");
  measured(2, 5, "pump/1");
  ASSERT_TRUE(eventually([&] { return figure(hub, "dead") == 2 && figure(hub, "sent") == 2; }))
      << hub.log();
  const auto dead = hub.json("/v1/reactors/notes/dead").at("dead").as_array();
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_TRUE(std::string(dead[0].at("why").as_string()).starts_with("422")) << dead[0];
  const std::string key(dead[0].at("key").as_string());
  EXPECT_EQ(hub.post("/v1/reactors/notes/retry", R"({"key": "none"})").status, 404u);
  EXPECT_EQ(hub.post("/v1/reactors/notes/retry", "{\"key\": \"" + key + "\"}").status, 200u);
  ASSERT_TRUE(eventually([&] { return effects().contains(key); })) << hub.log();
  EXPECT_EQ(hub.post("/v1/reactors/notes/drop", R"({"all": true})").status,
            400u);  // without a reason
  const auto dropped =
      hub.post("/v1/reactors/notes/drop", R"({"all": true, "reason": "of no use"})");
  EXPECT_EQ(dropped.status, 200u) << dropped.body;
  EXPECT_EQ(figure(hub, "dead"), 0);
  EXPECT_EQ(figure(hub, "dropped"), 1);
  const auto list = test::run({test::program("sluice"), "reactor", "list", "--hub", hub.address()});
  EXPECT_EQ(list.code, 0) << list.output;
  EXPECT_NE(list.out.find("notes"), std::string::npos) << list.out;
}

TEST_F(ReactorTest, TriesEndAfterSoManyRefusals) {
  publisher_.epoch_opened({}, 1);
  write(reactor("attempts = 3\n"));
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"/hook": [500]})");
  measured(2, 2);
  ASSERT_TRUE(eventually([&] { return figure(hub, "dead") == 1; })) << hub.log();
  EXPECT_EQ(sinks_.received("/hook").size(), 3u);
  // The last try counts as those before it.
  EXPECT_EQ(figure(hub, "failed"), 3);
  const auto letters = [&] { return hub.json("/v1/reactors/notes/dead").at("dead").as_array(); };
  ASSERT_EQ(letters().size(), 1u);
  EXPECT_EQ(letters()[0].at("attempts").as_int64(), 3);
  sinks_.answers(R"({"/hook": [404]})");
  measured(3, 3);
  ASSERT_TRUE(eventually([&] { return figure(hub, "dead") == 2; })) << hub.log();
  EXPECT_EQ(figure(hub, "failed"), 4);
  EXPECT_EQ(letters()[1].at("attempts").as_int64(), 1);
}

TEST_F(ReactorTest, AReceiverThatIsAwayCostsNothingAndKeepsTheOrder) {
  publisher_.epoch_opened({}, 1);
  write(reactor("attempts = 3\n"));
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"/hook": [503, {"close": true}, 200]})");
  measured(2, 31);
  ASSERT_TRUE(eventually([&] { return effects().size() == 30; })) << hub.log();
  std::map<std::string, core::Seq> last;
  for (const auto& one : sinks_.received("/hook")) {
    if (one.at("status").as_int64() != 200) continue;
    const auto body = core::parse_json(std::string_view(one.at("body").as_string()));
    const std::string stream(body->at("event").at("stream").as_string());
    const auto seq = body->at("event").at("seq").to_number<core::Seq>();
    EXPECT_GE(seq, last[stream]);  // the closed one's answer never came: it is sent again
    last[stream] = seq;
  }
  EXPECT_EQ(figure(hub, "dead"), 0);
}

TEST_F(ReactorTest, AnOutageOfTheReceiverIsWaitedFor) {
  publisher_.epoch_opened({}, 1);
  auto away = std::make_unique<Sinks>();
  const std::string url = away->http_url("/hook");
  away.reset();
  write("reactor = \"notes\"\n[[on]]\ntype = \"Measured\"\nwebhook = { url = \"" + url +
        "\" }\n[delivery]\nattempts = 1\nbackoff_first = \"20ms\"\nbackoff_last = \"50ms\"\n");
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  measured(2, 10);
  ASSERT_TRUE(eventually([&] { return figure(hub, "failed") > 5; })) << hub.log();
  EXPECT_EQ(figure(hub, "dead"), 0);  // no receiver has seen anything: no attempt
  EXPECT_EQ(figure(hub, "waiting"), 9);
  EXPECT_EQ(hub.metric(R"(sluice_reactor_paused{reactor="notes",reaction="webhook"})"), 1);
}

TEST_F(ReactorTest, WhatTheReceiverAsksForIsHonoured) {
  publisher_.epoch_opened({}, 1);
  write(reactor());
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"/hook": [{"status": 429, "retry_after": 1}, 200]})");
  measured(2, 2);
  ASSERT_TRUE(eventually([&] { return effects().size() == 1; })) << hub.log();
  const auto all = sinks_.received("/hook");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_GE(all[1].at("at").as_double() - all[0].at("at").as_double(), 1.0);
}

TEST_F(ReactorTest, MailGoesToTheAddressInTheEvent) {
  publisher_.epoch_opened({}, 1);
  write(
      "reactor = \"notes\"\n[[on]]\ntype = \"UserCreated\"\nemail = { to = \"{.email}\", subject = "
      "\"Hello {.name}\", body = \"Dear {.name},\\nyou are in.\\n\" }\n[smtp]\nurl = \"" +
      sinks_.smtp_url() +
      "\"\nsender = \"sluice@example.org\"\nstarttls = false\n[delivery]\n"
      "backoff_first = \"20ms\"\nbackoff_last = \"100ms\"\n");
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  sinks_.answers(R"({"mail": [450, 250, 250, 550, 250]})");
  publisher_.event({}, 2, "UserCreated", R"({"name": "Änne", "email": "a@example.org"})", "user/1");
  ASSERT_TRUE(eventually([&] { return sinks_.received("mail").size() == 1; })) << hub.log();
  const auto mail = sinks_.received("mail").front();
  EXPECT_EQ(mail.at("recipients").at(0).as_string(), "<a@example.org>");
  EXPECT_EQ(mail.at("headers").at("subject").as_string(), "Hello Änne");
  EXPECT_EQ(mail.at("body").as_string(), "Dear Änne,\nyou are in.\n");
  // A hostile name: neither a header of its own nor a second recipient.
  publisher_.event(
      {}, 3, "UserCreated",
      R"({"name": "Eve\r\nBcc: x@example.org\r\n\r\n.\r\nMAIL FROM", "email": "e@example.org"})",
      "user/2");
  ASSERT_TRUE(eventually([&] { return sinks_.received("mail").size() == 2; })) << hub.log();
  const auto hostile = sinks_.received("mail").back();
  EXPECT_EQ(hostile.at("recipients").as_array().size(), 1u);
  EXPECT_FALSE(hostile.at("headers").as_object().contains("bcc"));
  // One that the server refuses for good, and one whose address is none.
  publisher_.event({}, 4, "UserCreated", R"({"name": "N", "email": "n@example.org"})", "user/3");
  publisher_.event({}, 5, "UserCreated",
                   R"({"name": "L", "email": "l@example.org, m@example.org"})", "user/4");
  publisher_.event({}, 6, "UserCreated", R"({"name": "M"})", "user/5");
  ASSERT_TRUE(eventually([&] { return figure(hub, "dead") == 3; })) << hub.log();
  EXPECT_EQ(sinks_.received("mail").size(), 2u);
}

TEST_F(ReactorTest, ASignedWebhookCanBeChecked) {
  const auto secret = files_.write("secret", "s3cret\n");
  publisher_.epoch_opened({}, 1);
  std::string text = reactor();
  text.insert(text.find("\" }\n"), "\", secret_file = \"" + secret.string());
  write(text);
  HubProgram hub = start();
  ASSERT_TRUE(eventually([&] { return has_begun(hub); })) << hub.log();
  measured(2, 2);
  ASSERT_TRUE(eventually([&] { return effects().size() == 1; })) << hub.log();
  const auto one = sinks_.received("/hook").front();
  const std::string signature(one.at("headers").at("sluice-signature").as_string());
  const auto comma = signature.find(',');
  ASSERT_NE(comma, std::string::npos) << signature;
  EXPECT_EQ(signature.substr(comma + 1),
            "v1=" + core::to_hex(
                        core::hmac_sha256("s3cret", signature.substr(2, comma - 2) + "." +
                                                        std::string(one.at("body").as_string()))));
}

TEST_F(ReactorTest, ABrokenFileIsToldBeforeAnythingStarts) {
  write("reactor = \"notes\"\n[[on]]\ntype = \"A\"\nwebhook = { url = \"ftp://x\" }\n");
  const auto config = files_.write("hub.toml", "[hub]\nmodels = [\"" SLUICE_SOURCE_DIR
                                               "/examples\"]\nreactors = [\"" +
                                                   files_.path().string() + "\"]\nstate = \"" +
                                                   (files_ / "state").string() + "\"\n");
  const auto checked =
      test::run({test::program("sluice-hub"), "--config", config.string(), "--check-config"});
  EXPECT_EQ(checked.code, 78) << checked.output;
  EXPECT_NE(checked.output.find("notes.reactor.toml:4:"), std::string::npos) << checked.output;
}

// Mail over TLS that was asked for in the clear, with a login.
TEST(ReactorMail, GoesOverTlsWithALogin) {
  test::TempDir folder;
  const auto made = test::run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                               "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                               (folder / "key").string(), "-out", (folder / "cert").string()});
  ASSERT_EQ(made.code, 0) << made.output;
  Sinks sinks({"--tls", (folder / "cert").string(), (folder / "key").string(), "--login", "me",
               "open sesame"});
  test::NatsServer server;
  TestPublisher publisher(server.url());
  publisher.make_hub_stream("main");
  publisher.epoch_opened({}, 1);
  folder.write("user", "me\n");
  folder.write("password", "open sesame\n");
  const std::string login = "user_file = \"" + (folder / "user").string() +
                            "\"\npassword_file = \"" + (folder / "password").string() + "\"\n";
  const auto reactor = [&](const std::string& name, const std::string& more) {
    folder.write(name + ".reactor.toml",
                 "reactor = \"" + name + "\"\n[[on]]\ntype = \"Measured\"\nemail = { to = \"" +
                     name + "@example.org\", subject = \"s\", body = \"b\" }\n[smtp]\nurl = \"" +
                     sinks.smtp_url() + "\"\nsender = \"sluice@example.org\"\n" + more +
                     "[delivery]\nbackoff_first = \"20ms\"\nbackoff_last = \"50ms\"\n");
  };
  reactor("good", login + "ca_file = \"" + (folder / "cert").string() + "\"\n");
  reactor("stranger", login);  // a certificate that nobody vouches for
  HubProgram::Options options;
  options.more = "reactors = [\"" + folder.path().string() + "\"]\n";
  HubProgram hub(server.url(), options);
  ASSERT_TRUE(eventually([&] {
    const auto list = hub.json("/v1/reactors").at("reactors").as_array();
    return list.at(0).at("shards").at(0).at("position").as_int64() == 1 &&
           list.at(1).at("shards").at(0).at("position").as_int64() == 1;
  })) << hub.log();
  publisher.event({}, 2, "Measured", "{}");
  ASSERT_TRUE(eventually([&] { return sinks.received("mail").size() == 1; })) << hub.log();
  const auto mail = sinks.received("mail").front();
  EXPECT_TRUE(mail.at("secure").as_bool());
  EXPECT_EQ(mail.at("user").as_string(), "me");
  EXPECT_EQ(mail.at("recipients").at(0).as_string(), "<good@example.org>");
  ASSERT_TRUE(eventually([&] {
    return hub.metric(R"(sluice_reactor_failed_total{reactor="stranger",reaction="email"})") > 2;
  })) << hub.log();
  EXPECT_EQ(hub.metric(R"(sluice_reactor_dead{reactor="stranger",reaction="email"})"), 0);
  EXPECT_EQ(sinks.received("mail").size(), 1u);
}

}  // namespace
}  // namespace sluice
