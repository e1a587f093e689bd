// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>

#include "sync/nats/handles.hpp"
#include "sync/nats/nkey.hpp"

namespace sluice::nats {

namespace {

core::Result<std::string> first_line(const std::string& setting) {
  auto path = resolve_file(setting);
  if (!path) return path.error();
  std::ifstream file(*path);
  std::string line;
  if (!file || !std::getline(file, line) || line.empty())
    return core::fail(core::Errc::kConfig, "cannot read " + *path);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

core::Result<std::string> readable(const std::string& setting) {
  auto path = resolve_file(setting);
  if (path && !std::ifstream(*path).good())
    return core::fail(core::Errc::kConfig, "cannot read " + *path);
  return path;
}

core::Result<void> checked(natsStatus status, const std::string& doing) {
  if (status == NATS_OK) return {};
  auto error = to_error(status, doing, last_error_text());
  error.code = core::Errc::kConfig;  // nothing here talks to a server
  return error;
}

core::Result<void> set_tls(natsOptions* out, const LoginSettings& login, const std::string& url) {
  const bool wanted =
      login.tls || url.starts_with("tls://") || !login.ca_file.empty() || !login.cert_file.empty();
  if (!wanted) return {};
  SLUICE_TRY(checked(natsOptions_SetSecure(out, true), "switching TLS on"));
  if (!login.ca_file.empty()) {
    auto path = readable(login.ca_file);
    if (!path) return path.error();
    SLUICE_TRY(
        checked(natsOptions_LoadCATrustedCertificates(out, path->c_str()), "reading " + *path));
  }
  if (!login.cert_file.empty()) {
    auto cert = readable(login.cert_file);
    if (!cert) return cert.error();
    auto key = readable(login.key_file);
    if (!key) return key.error();
    SLUICE_TRY(checked(natsOptions_LoadCertificatesChain(out, cert->c_str(), key->c_str()),
                       "reading " + *cert + " and " + *key));
  }
  return {};
}

core::Result<void> set_login(natsOptions* out, const LoginSettings& login) {
  if (!login.creds_file.empty()) {
    auto path = readable(login.creds_file);
    if (!path) return path.error();
    return checked(natsOptions_SetUserCredentialsFromFiles(out, path->c_str(), nullptr),
                   "reading " + *path);
  }
  if (!login.nkey_file.empty()) {
    auto seed = first_line(login.nkey_file);
    if (!seed) return seed.error();
    auto public_key = nkey_public_from_seed(*seed);
    std::fill(seed->begin(), seed->end(), '\0');
    if (!public_key) return public_key.error();
    auto path = resolve_file(login.nkey_file);
    if (!path) return path.error();
    return checked(natsOptions_SetNKeyFromSeed(out, public_key->c_str(), path->c_str()),
                   "reading " + *path);
  }
  if (!login.user_file.empty()) {
    auto user = first_line(login.user_file);
    if (!user) return user.error();
    auto password = first_line(login.password_file);
    if (!password) return password.error();
    return checked(natsOptions_SetUserInfo(out, user->c_str(), password->c_str()), "login");
  }
  return {};
}

}  // namespace

core::Result<OptionsHandle> make_options(const ConnectionOptions& options, const std::string& url,
                                         const std::string& inbox_prefix) {
  natsOptions* raw = nullptr;
  SLUICE_TRY(checked(natsOptions_Create(&raw), "creating options"));
  OptionsHandle out(raw);
  const auto ms = [](std::chrono::milliseconds time) {
    return static_cast<std::int64_t>(time.count());
  };
  SLUICE_TRY(checked(natsOptions_SetURL(raw, url.c_str()), "using " + without_login(url)));
  natsOptions_SetTimeout(raw, ms(options.connect_timeout));
  natsOptions_SetPingInterval(raw, ms(options.ping_interval));
  natsOptions_SetMaxPingsOut(raw, 2);
  natsOptions_SetWriteDeadline(raw, ms(options.write_deadline));
  // A session is one TCP connection: with nats.c's own reconnect, messages go missing in the
  // middle.
  natsOptions_SetAllowReconnect(raw, false);
  natsOptions_SetReconnectBufSize(raw, 0);
  natsOptions_SetIgnoreDiscoveredServers(raw, true);
  natsOptions_SetFailRequestsOnDisconnect(raw, true);
  SLUICE_TRY(checked(natsOptions_SetName(raw, options.name.c_str()), "naming the client"));
  SLUICE_TRY(checked(natsOptions_SetCustomInboxPrefix(raw, inbox_prefix.c_str()),
                     "using inbox prefix " + inbox_prefix));
  SLUICE_TRY(set_tls(raw, options.login, url));
  SLUICE_TRY(set_login(raw, options.login));
  return out;
}

std::string without_login(const std::string& url) {
  const auto start = url.find("://");
  const auto at = url.rfind('@');
  if (start == std::string::npos || at == std::string::npos || at < start) return url;
  return url.substr(0, start + 3) + url.substr(at + 1);
}

std::string last_error_text() {
  natsStatus status = NATS_OK;
  const char* text = nats_GetLastError(&status);
  return text == nullptr ? std::string() : std::string(text);
}

core::Error to_error(natsStatus status, const std::string& doing, const std::string& detail) {
  using core::Errc;
  Errc code = Errc::kUnavailable;
  std::string words = natsStatus_GetText(status);
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      code = Errc::kUnauthorized;
      break;
    case NATS_SSL_ERROR:
      // Also what a peer gives that goes away in the handshake: only a certificate is the
      // operator's.
      // ("depth=" is how nats.c words a verification that failed.)
      if (detail.find("certificate") != std::string::npos ||
          detail.find("depth=") != std::string::npos)
        code = Errc::kUnauthorized;
      break;
    case NATS_MAX_PAYLOAD:
      code = Errc::kTooLarge;
      break;
    case NATS_NO_RESPONDERS:
      code = Errc::kNotFound;
      break;
    case NATS_TIMEOUT:
      words = "timeout";
      break;
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_ARG:
    case NATS_ADDRESS_MISSING:
      code = Errc::kBadRequest;
      break;
    case NATS_NO_MEMORY:
    case NATS_FAILED_TO_INITIALIZE:
    case NATS_NOT_INITIALIZED:
      code = Errc::kInternal;
      break;
    default:
      break;
  }
  std::string message = doing + ": " + words;
  if (!detail.empty() && detail.find(words) == std::string::npos) message += " (" + detail + ")";
  return core::fail(code, std::move(message));
}

}  // namespace sluice::nats
