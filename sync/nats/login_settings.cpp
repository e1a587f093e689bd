// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/login_settings.hpp"

#include <cstdlib>
#include <string_view>

namespace sluice::nats {

namespace {

constexpr std::string_view kCredential = "credential:";

bool is_server_url(std::string_view url) {
  for (std::string_view scheme : {"nats://", "tls://"}) {
    if (url.starts_with(scheme) && url.size() > scheme.size()) return true;
  }
  return false;
}

}  // namespace

void visit(LoginSettings& settings, core::SettingsVisitor& visitor) {
  visitor.field("urls", settings.urls);
  if (settings.urls.empty()) visitor.reject("urls", "name at least one server");
  for (const auto& url : settings.urls) {
    if (!is_server_url(url))
      visitor.reject("urls", "a server is nats://host:port or tls://host:port");
  }
  visitor.field("tls", settings.tls);
  visitor.field("ca_file", settings.ca_file);
  visitor.field("cert_file", settings.cert_file);
  visitor.field("key_file", settings.key_file);
  if (settings.cert_file.empty() != settings.key_file.empty())
    visitor.reject("cert_file", "cert_file and key_file go together");
  visitor.field("creds_file", settings.creds_file);
  visitor.field("nkey_file", settings.nkey_file);
  visitor.field("user_file", settings.user_file);
  visitor.field("password_file", settings.password_file);
  if (settings.user_file.empty() != settings.password_file.empty())
    visitor.reject("user_file", "user_file and password_file go together");
  const int ways = int{!settings.creds_file.empty()} + int{!settings.nkey_file.empty()} +
                   int{!settings.user_file.empty()};
  if (ways > 1) visitor.reject("creds_file", "choose one of creds_file, nkey_file and user_file");
}

core::Result<std::string> resolve_file(const std::string& setting) {
  if (!setting.starts_with(kCredential)) return setting;
  const std::string name = setting.substr(kCredential.size());
  if (name.empty() || name.find('/') != std::string::npos)
    return core::fail(core::Errc::kConfig, "\"" + setting + "\" does not name a credential");
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0')
    return core::fail(core::Errc::kConfig,
                      "credential " + name + " is not there: systemd set no CREDENTIALS_DIRECTORY");
  return std::string(folder) + "/" + name;
}

}  // namespace sluice::nats
