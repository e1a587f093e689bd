// SPDX-License-Identifier: Apache-2.0
// The gateway's own login ends: a JWT expires while it is connected, a key is exchanged.
#include <gtest/gtest.h>

#include "sync/nats/nkey.hpp"
#include "tests/lab/hub/jwt.hpp"
#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

nats::LoginSettings login_by_creds(const std::filesystem::path& file) {
  nats::LoginSettings login;
  login.creds_file = file.string();
  return login;
}
nats::LoginSettings login_by_nkey(const std::filesystem::path& file) {
  nats::LoginSettings login;
  login.nkey_file = file.string();
  return login;
}

TEST(HubLogin, ExpiredCredentialsStopTheLinkAndRenewedOnesStartItAgain) {
  const JwtAuthority authority;
  TempDir folder;
  NatsServer server({.config = authority.server_config()});
  const auto operator_file = folder.write("operator.creds", authority.creds("operator", 0));
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto gateway_file = folder.write("gateway.creds", authority.creds("plant-7", now() + 6));
  Site site({.nats_urls = {server.url()},
             .uplink = "creds_file = \"" + gateway_file.string() + "\"",
             .login = login_by_creds(operator_file)});
  site.start();
  auto& gateway = site.gateway();
  EXPECT_TRUE(site.waits_until([&] { return gateway.acked() > 50; }, 60s)) << site.logs();
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    // Nobody can log in with it any more.
    EXPECT_TRUE(site.waits_until([&] { return gateway.last() > gateway.acked() + 300; }, 60s))
        << site.logs();
    EXPECT_NE(gateway.link("state"), "up");
    EXPECT_FALSE(gateway.link("last_error").empty());
    folder.write("gateway.creds", authority.creds("plant-7", run + 1 == runs ? 0 : now() + 8));
    EXPECT_TRUE(site.waits_until([&] { return gateway.last() < gateway.acked() + 100; }, 60s))
        << site.logs();
  }
  expect_nothing_lost(site.judge("hub: credentials expired and renewed", runs), site);
}

std::string nkey_users(const std::string& gateway_seed, const std::string& operator_seed) {
  return "accounts { PLANT { jetstream: enabled, users: [ { nkey: " +
         *nats::nkey_public_from_seed(gateway_seed) +
         " }, { nkey: " + *nats::nkey_public_from_seed(operator_seed) + " } ] } }\n";
}

TEST(HubLogin, ExchangedKeyIsTakenFromItsFileWithoutARestart) {
  const std::string op = nats::nkey_seed_text({{7}});
  const std::string old_key = nats::nkey_seed_text({{1}});
  const std::string new_key = nats::nkey_seed_text({{2}});
  TempDir folder;
  folder.write("users.conf", nkey_users(old_key, op));
  const auto op_file = folder.write("operator.seed", op);
  const auto key_file = folder.write("gateway.seed", old_key);
  NatsServer server(
      {.config = "include \"../" + folder.path().filename().string() + "/users.conf\""});
  Site site({.nats_urls = {server.url()},
             .uplink = "nkey_file = \"" + key_file.string() + "\"",
             .login = login_by_nkey(op_file)});
  site.start();
  site.append_more(200);
  auto& gateway = site.gateway();
  const auto pid = gateway.uplink->pid();
  folder.write("users.conf", nkey_users(new_key, op));
  server.reload();
  EXPECT_TRUE(site.waits_until([&] { return gateway.last() > gateway.acked() + 200; }, 60s))
      << site.logs();
  folder.write("gateway.seed", new_key);
  site.append_more(100);
  expect_nothing_lost(site.judge("hub: key exchanged", 1), site);
  EXPECT_EQ(gateway.uplink->pid(), pid);
}

}  // namespace
}  // namespace sluice::test
