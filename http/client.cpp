// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <poll.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <optional>

#include "core/json.hpp"
#include "core/text.hpp"

namespace sluice::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::generic::stream_protocol;
using boost::system::error_code;
using core::Errc;
using core::fail;
using Stream = beast::basic_stream<stream_protocol>;

std::string text_of(beast::string_view view) {
  return {view.data(), view.size()};
}

}  // namespace

core::Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  const auto bad = [&] {
    return fail(Errc::kBadRequest, "'" + core::printable(text) +
                                       "' is not an address like http://127.0.0.1:8080 or "
                                       "unix:/run/sluice/http.sock");
  };
  if (text.starts_with("unix:")) text.remove_prefix(5);
  if (text.starts_with('/')) {
    endpoint.unix_path = text;
    return endpoint;
  }
  if (text.starts_with("http://")) text.remove_prefix(7);
  while (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  endpoint.host = text.substr(0, colon);
  if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  if (endpoint.host.empty() || text.find_first_of("/ ?#@") != std::string_view::npos) return bad();
  if (colon == std::string_view::npos) return endpoint;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) return bad();
  return endpoint;
}

std::string Endpoint::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

class Client::Impl {
 public:
  Impl(Endpoint endpoint, Options options)
      : endpoint_(std::move(endpoint)), options_(std::move(options)) {}

  core::Result<Response> exchange(bhttp::verb verb, std::string_view target, std::string_view body,
                                  std::string_view content_type, const Pairs& headers = {});

 private:
  using Message = bhttp::request<bhttp::string_body>;

  core::Result<void> connect();
  core::Result<void> connect_to(const stream_protocol::endpoint& endpoint);
  bool still_usable();
  core::Error lost(const error_code& why);
  void run() {
    io_.restart();
    io_.run();
  }

  const Endpoint endpoint_;
  const Options options_;
  asio::io_context io_{1};
  std::optional<Stream> stream_;
  beast::flat_buffer buffer_;
};

core::Error Client::Impl::lost(const error_code& why) {
  stream_.reset();
  const std::string words = why == beast::error::timeout ? "no answer in time" : why.message();
  return fail(Errc::kUnavailable, endpoint_.text() + ": " + words);
}

core::Result<void> Client::Impl::connect_to(const stream_protocol::endpoint& endpoint) {
  stream_.emplace(io_);
  stream_->expires_after(options_.timeout);
  error_code result;
  stream_->async_connect(endpoint, [&](const error_code& why) { result = why; });
  run();
  if (result) return lost(result);
  return {};
}

core::Result<void> Client::Impl::connect() {
  buffer_.clear();
  if (!endpoint_.unix_path.empty()) {
    if (endpoint_.unix_path.size() >= 108)
      return fail(Errc::kUnavailable, "the socket path " + endpoint_.unix_path + " is too long");
    return connect_to(asio::local::stream_protocol::endpoint(endpoint_.unix_path));
  }
  asio::ip::tcp::resolver resolver(io_);
  error_code why;
  const auto found = resolver.resolve(endpoint_.host, std::to_string(endpoint_.port), why);
  if (why) return lost(why);
  core::Result<void> result = fail(Errc::kUnavailable, endpoint_.text() + ": no address");
  for (const auto& entry : found) {
    result = connect_to(entry.endpoint());
    if (result) break;
  }
  return result;
}

// A server that ended the kept connection has already said so.
bool Client::Impl::still_usable() {
  if (!stream_) return false;
  pollfd entry{.fd = stream_->socket().native_handle(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 0;
}

core::Result<Response> Client::Impl::exchange(bhttp::verb verb, std::string_view target,
                                              std::string_view body, std::string_view content_type,
                                              const Pairs& headers) {
  if (!still_usable()) SLUICE_TRY(connect());
  Message request(verb, {target.data(), target.size()}, 11);
  request.set(bhttp::field::host,
              endpoint_.unix_path.empty() ? endpoint_.text().substr(7) : std::string("localhost"));
  request.set(bhttp::field::user_agent, "sluice/" SLUICE_VERSION);
  if (!options_.token.empty()) request.set(bhttp::field::authorization, "Bearer " + options_.token);
  if (verb != bhttp::verb::get)
    request.set(bhttp::field::content_type, {content_type.data(), content_type.size()});
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();

  bhttp::response_parser<bhttp::string_body> parser;
  parser.body_limit(options_.body_bytes_max);
  error_code written;
  error_code read;
  stream_->expires_after(options_.timeout);
  // Both at once: a server may refuse a body before it has read all of it.
  bhttp::async_write(*stream_, request, [&](const error_code& why, std::size_t) { written = why; });
  bhttp::async_read(*stream_, buffer_, parser,
                    [&](const error_code& why, std::size_t) { read = why; });
  run();
  if (read) return lost(written && read == bhttp::error::end_of_stream ? written : read);
  Response response;
  response.status = parser.get().result_int();
  response.content_type = text_of(parser.get()[bhttp::field::content_type]);
  for (const auto& field : parser.get())
    response.headers.emplace_back(text_of(field.name_string()), text_of(field.value()));
  if (written || !parser.get().keep_alive()) stream_.reset();
  response.body = std::move(parser.get().body());
  return response;
}

Client::Client(Endpoint endpoint) : Client(std::move(endpoint), Options{}) {}
Client::Client(Endpoint endpoint, Options options)
    : impl_(std::make_unique<Impl>(std::move(endpoint), std::move(options))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

core::Result<Response> Client::get(std::string_view target, const Pairs& headers) {
  return impl_->exchange(bhttp::verb::get, target, {}, {}, headers);
}

core::Result<Response> Client::post(std::string_view target, std::string_view body,
                                    std::string_view content_type) {
  return impl_->exchange(bhttp::verb::post, target, body, content_type);
}

core::Error error_of(const Response& response) {
  const auto document = core::parse_json(response.body);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* inner = object == nullptr ? nullptr : object->if_contains("error");
  const auto* error = inner == nullptr ? nullptr : inner->if_object();
  const auto text = [error](const char* key) {
    const auto* value = error == nullptr ? nullptr : error->if_contains(key);
    const auto* found = value == nullptr ? nullptr : value->if_string();
    return found == nullptr ? std::string() : std::string(found->c_str(), found->size());
  };
  if (error == nullptr)
    return fail(Errc::kInternal, "the server answered status " + std::to_string(response.status));
  core::Error decoded = fail(core::error_from_word(text("code")), text("message"), text("field"));
  if (const auto* current = error->if_contains("current");
      current != nullptr && current->is_int64())
    decoded.current = current->as_int64();
  return decoded;
}

}  // namespace sluice::http
