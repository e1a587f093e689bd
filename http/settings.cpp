// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <charconv>
#include <fstream>

#include "core/hash.hpp"
#include "core/text.hpp"
#include "http/server.hpp"

namespace sluice::http {
namespace {

using core::Errc;
using core::fail;
using std::chrono::milliseconds;

constexpr std::size_t kTokenBytesMin = 16;

std::string hash_of(std::string_view token) {
  const auto hash = core::chain_next({}, token);
  return {hash.begin(), hash.end()};
}

// The time does not depend on where the two differ.
bool equal(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

std::string_view trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

void visit(ServerSettings& settings, core::SettingsVisitor& visitor) {
  const milliseconds least{100};
  const milliseconds most{600'000};
  visitor.field("http_connections_max", settings.connections_max, 1, 4096);
  visitor.bytes("http_header_bytes_max", settings.header_bytes_max, 1024, 64 * 1024);
  visitor.bytes("http_body_bytes_max", settings.body_bytes_max, 1024, 64u << 20);
  visitor.bytes("http_body_bytes_total_max", settings.body_bytes_total_max, 1024, 1u << 30);
  visitor.field("http_header_timeout", settings.header_timeout, least, most);
  visitor.field("http_body_timeout", settings.body_timeout, least, most);
  visitor.field("http_answer_timeout", settings.answer_timeout, least, most);
  visitor.field("http_write_timeout", settings.write_timeout, least, most);
  visitor.field("http_idle_timeout", settings.idle_timeout, least, most);
  visitor.field("http_streams_max", settings.streams_max, 0, 4096);
  visitor.field("http_stream_beat", settings.stream_beat, least, most);
  visitor.field("http_hosts", settings.hosts);
}

core::Result<Tokens> Tokens::load(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(Errc::kConfig, "cannot read the token file " + file);
  Tokens tokens;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string_view token = trimmed(line);
    if (token.empty() || token.front() == '#') continue;
    if (token.size() < kTokenBytesMin || token.size() > 512)
      return fail(Errc::kConfig, file + ":" + std::to_string(number) + ": a token has " +
                                     std::to_string(kTokenBytesMin) + " to 512 characters");
    tokens.hashes_.push_back(hash_of(token));
  }
  if (tokens.hashes_.empty()) return fail(Errc::kConfig, file + ": holds no token");
  return tokens;
}

bool Tokens::accepts(std::string_view token) const {
  const std::string hash = hash_of(token);
  bool known = false;
  for (const std::string& each : hashes_) known |= equal(each, hash);
  return known;
}

core::Result<TcpAddress> TcpAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::kConfig,
                "'" + core::printable(text) + "' is not an address like 127.0.0.1:8080");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string host(text.substr(0, colon));
  const std::string_view port = text.substr(colon + 1);
  TcpAddress address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) return bad();
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  in_addr v4{};
  in6_addr v6{};
  if (!bracketed && ::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    address.loopback = (ntohl(v4.s_addr) >> 24) == 127;
  } else if (bracketed && ::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
  } else {
    return bad();
  }
  address.ip = host;
  return address;
}

std::string TcpAddress::text() const {
  const bool v6 = ip.find(':') != std::string::npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

}  // namespace sluice::http
