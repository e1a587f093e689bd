// SPDX-License-Identifier: Apache-2.0
#include "cli/nats_login.hpp"

#include "core/text.hpp"

namespace sluice::cli {

void add_login_options(CLI::App& verb, nats::LoginSettings& login) {
  verb.add_option("--creds", login.creds_file, "Log in with this .creds file (JWT and seed).")
      ->type_name("FILE");
  verb.add_option("--nkey", login.nkey_file, "Log in with this NKey seed.")->type_name("FILE");
  verb.add_option("--ca", login.ca_file,
                  "Authorities for the server's certificate (PEM); the "
                  "system's if not given.")
      ->type_name("FILE");
  verb.add_option("--cert", login.cert_file, "The client's own certificate (PEM).")
      ->type_name("FILE");
  verb.add_option("--key", login.key_file, "The certificate's key (PEM).")->type_name("FILE");
}

core::Result<std::unique_ptr<nats::Connection>> connect_nats(const std::string& url,
                                                             nats::LoginSettings login) {
  login.urls.clear();
  for (const std::string_view one : core::split(url, ',')) login.urls.emplace_back(one);
  nats::ConnectionOptions options;
  options.login = std::move(login);
  options.name = "sluice";
  auto connection = nats::Connection::connect(options);
  if (connection) return connection;
  core::Error error = connection.error();
  if (error.code == core::Errc::kUnavailable)
    error.message += "; is nats-server running there? Name another with --nats or SLUICE_NATS";
  return error;
}

}  // namespace sluice::cli
