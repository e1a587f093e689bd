// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/config_reader.hpp"
#include "core/result.hpp"

namespace sluice::nats {

// How to reach and enter a NATS server. A file's name is a path, or "credential:<name>", which is
// the file of that name in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=). Empty: not used.
struct LoginSettings {
  std::vector<std::string> urls = {"nats://127.0.0.1:4222"};  // tried in turn; tls:// asks for TLS
  bool tls = false;       // ask for TLS on nats:// too; certificates are always verified
  std::string ca_file;    // PEM; the system's authorities if empty
  std::string cert_file;  // PEM, with key_file: the client's own certificate
  std::string key_file;
  std::string creds_file;     // a .creds file: JWT and seed
  std::string nkey_file;      // an NKey user seed (SU...)
  std::string user_file;      // user name, one line
  std::string password_file;  // password, one line
};

// The fields of whatever section the caller has opened.
void visit(LoginSettings& settings, core::SettingsVisitor& visitor);

// The path behind a file setting. kConfig: a credential is named but systemd gave none.
core::Result<std::string> resolve_file(const std::string& setting);

}  // namespace sluice::nats
