// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "sync/nats/connection.hpp"
#include "sync/nats/nkey.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/sync/certificates.hpp"

namespace sluice::nats {
namespace {

using namespace std::chrono_literals;
using test::Certificates;

ConnectionOptions options_for(const std::string& url) {
  ConnectionOptions options;
  options.login.urls = {url};
  options.connect_timeout = 3s;
  return options;
}

void expect_refused(const ConnectionOptions& options) {
  auto connection = Connection::connect(options);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, core::Errc::kUnauthorized) << connection.error().message;
}

void expect_working(const ConnectionOptions& options) {
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_TRUE((*connection)->flush(2s));
}

TEST(Login, UserAndPasswordFromFiles) {
  test::NatsServer server({.config = "authorization { user: plant-7, password: \"s3cret\" }"});
  test::TempDir folder;
  auto options = options_for(server.url());
  expect_refused(options);
  options.login.user_file = folder.write("user", "plant-7\n");
  options.login.password_file = folder.write("password", "s3cret\n");
  expect_working(options);
  options.login.password_file = folder.write("password", "wrong\n");
  expect_refused(options);
}

TEST(Login, NKeySeedFile) {
  const std::string seed = nkey_seed_text({{1, 2, 3}});
  const auto key = nkey_public_from_seed(seed);
  ASSERT_TRUE(key);
  test::NatsServer server({.config = "authorization { users: [ { nkey: " + *key + " } ] }"});
  test::TempDir folder;
  auto options = options_for(server.url());
  options.login.nkey_file = folder.write("seed", seed + "\n");
  expect_working(options);
  options.login.nkey_file = folder.write("other", nkey_seed_text({{9}}) + "\n");
  expect_refused(options);
}

TEST(Login, SystemdCredentialNamesAFileInItsDirectory) {
  const std::string seed = nkey_seed_text({{4}});
  test::NatsServer server(
      {.config = "authorization { users: [ { nkey: " + *nkey_public_from_seed(seed) + " } ] }"});
  test::TempDir folder;
  folder.write("uplink.seed", seed);
  auto options = options_for(server.url());
  options.login.nkey_file = "credential:uplink.seed";
  ::unsetenv("CREDENTIALS_DIRECTORY");
  auto without = Connection::connect(options);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, core::Errc::kConfig);
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  expect_working(options);
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST(Login, MissingFileIsAConfigurationError) {
  auto options = options_for("nats://127.0.0.1:1");
  options.login.creds_file = "/nowhere/plant.creds";
  auto connection = Connection::connect(options);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, core::Errc::kConfig);
  EXPECT_NE(connection.error().message.find("/nowhere/plant.creds"), std::string::npos);
}

TEST(Login, TlsVerifiesTheServerAndShowsTheClientsCertificate) {
  const Certificates certificates;
  test::NatsServer server({.config = certificates.server_config("server", true)});
  auto options = options_for(server.url());
  options.login.ca_file = certificates.at("ca.pem");
  options.login.cert_file = certificates.at("client.pem");
  options.login.key_file = certificates.at("client.key");
  expect_working(options);
  options.login.cert_file.clear();
  options.login.key_file.clear();
  auto without = Connection::connect(options);
  EXPECT_FALSE(without && (*without)->flush(2s));
}

TEST(Login, ServerOfAnUnknownAuthorityIsRefused) {
  const Certificates certificates;
  test::NatsServer server({.config = certificates.server_config("server", false)});
  auto options = options_for("tls://127.0.0.1:" + std::to_string(server.port()));
  expect_refused(options);  // the system's authorities do not know it
  options.login.ca_file = certificates.at("ca.pem");
  expect_working(options);
}

TEST(Login, CertificateForAnotherNameIsRefused) {
  const Certificates certificates;
  test::NatsServer server({.config = certificates.server_config("stranger", false)});
  auto options = options_for(server.url());
  options.login.ca_file = certificates.at("ca.pem");
  expect_refused(options);
}

}  // namespace
}  // namespace sluice::nats
