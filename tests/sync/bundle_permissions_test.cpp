// SPDX-License-Identifier: Apache-2.0
// The login of docs/security.md for `sluice bundle import` is enough for it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/nats_server.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;

TEST(BundlePermissions, ThoseOfTheSecurityPageAreEnoughForAnImport) {
  test::NatsServer server({.config = R"(accounts { PLANT { jetstream: enabled, users: [
    { user: operator, password: secret },
    { user: importer, password: secret, permissions: {
        publish: { allow: [ "ev.main.>", "$KV.SLUICE-REPORTS.*", "need.*",
                            "$JS.API.STREAM.INFO.EVENTS-main",
                            "$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.>" ] },
        subscribe: { allow: [ "_INBOX_IMPORT.>" ] } } } ] } })"});
  const auto url = [&](const std::string& user) {
    return "nats://" + user + ":secret@127.0.0.1:" + std::to_string(server.port());
  };
  HubOperator hub(url("operator"));
  hub.make_streams();
  Installation gateway(url("operator"));
  gateway.start_sluiced();
  gateway.append(300);
  test::TempDir scratch;
  const auto sluice = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), test::program("sluice"));
    return test::run(arguments, {}, 60s);
  };
  const auto key = sluice({"bundle", "key", "--config", gateway.config()});
  std::ofstream(scratch / "trust") << key.out;
  const std::string stick = scratch / "stick";
  std::filesystem::create_directories(stick);
  ASSERT_EQ(sluice({"bundle", "export", "--out", stick, "--config", gateway.config()}).code, 0);
  for (int time = 0; time < 2; ++time) {  // the second finds the first one's entry
    const auto run = sluice(
        {"bundle", "import", stick, "--trust", scratch / "trust", "--nats", url("importer")});
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_EQ(hub.last_seq(), 304u);
  }
}

}  // namespace
}  // namespace sluice::sync
