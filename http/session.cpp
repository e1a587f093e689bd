// SPDX-License-Identifier: Apache-2.0
#include "http/session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>

#include "http/access.hpp"
#include "http/stream_writer.hpp"

namespace sluice::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using core::Errc;
using core::fail;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kDiscardBytesMax = 64 * 1024;  // a refused body that is still read
constexpr std::chrono::seconds kLinger{2};

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

// Where a handler's answer arrives; the last copy of Respond that goes without one leaves a 500.
struct HttpSession::Slot {
  explicit Slot(asio::any_io_executor executor) : ready(std::move(executor)) {}
  asio::steady_timer ready;
  std::optional<Response> response;
};

namespace {

class Answerer {
 public:
  using Deliver = std::function<void(Response)>;
  explicit Answerer(Deliver deliver) : deliver_(std::move(deliver)) {}
  Answerer(const Answerer&) = delete;
  ~Answerer() { give(error_response(fail(Errc::kInternal, "the request was not answered"))); }
  void give(Response response) {
    if (!given_.exchange(true)) deliver_(std::move(response));
  }

 private:
  Deliver deliver_;
  std::atomic<bool> given_ = false;
};

}  // namespace

HttpSession::HttpSession(Socket socket, std::shared_ptr<Shared> shared,
                         std::shared_ptr<const Gatekeeper> gatekeeper, Peer peer)
    : stream_(std::move(socket)),
      shared_(std::move(shared)),
      gatekeeper_(std::move(gatekeeper)),
      peer_(std::move(peer)),
      waits_since_(std::chrono::steady_clock::now()) {}

asio::awaitable<void> HttpSession::run(std::shared_ptr<HttpSession> self) {
  while (!self->shared_->draining) {
    self->waits_since_ = std::chrono::steady_clock::now();
    const bool more = co_await self->wait_for_request();
    if (!more) break;
    const bool keep = co_await self->serve_one();
    self->shared_->body_bytes -= std::exchange(self->reserved_, 0);
    if (!keep) break;
  }
  co_await self->linger();
}

void HttpSession::end_if_idle() {
  if (idle_) abort();
  if (const auto writer = writer_.lock()) writer->end();
}

void HttpSession::abort() {
  error_code ignored;
  stream_.socket().close(ignored);
}

core::Result<Request> HttpSession::to_request(const Header& header) const {
  const auto text = [](beast::string_view view) { return std::string(view.data(), view.size()); };
  Request request;
  request.method = text(header.method_string());
  std::string target = text(header.target());
  // "http://host/path", as to a proxy: a server has to take it too (RFC 9112, 3.2.2).
  if (constexpr std::string_view scheme = "http://"; target.starts_with(scheme)) {
    target.erase(0, std::min(target.size(), target.find_first_of("/?", scheme.size())));
    if (!target.starts_with('/')) target.insert(0, "/");
  }
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) {
    auto query = parse_query(std::string_view(target).substr(question + 1));
    if (!query) return query.error();
    request.query = std::move(*query);
  }
  for (const auto& field : header) {
    if (field.name() == bhttp::field::authorization) continue;
    std::string name = text(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
    request.headers.emplace_back(std::move(name), text(field.value()));
  }
  request.content_type = text(header[bhttp::field::content_type]);
  request.content_type.resize(
      std::min(request.content_type.size(), request.content_type.find(';')));
  while (request.content_type.ends_with(' ')) request.content_type.pop_back();
  std::transform(request.content_type.begin(), request.content_type.end(),
                 request.content_type.begin(), to_lower);
  request.peer = peer_.name;
  return request;
}

// Between requests a connection may be silent for longer than within one.
asio::awaitable<bool> HttpSession::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  stream_.expires_after(shared_->settings.idle_timeout);
  const auto room = buffer_.prepare(4096);
  const auto [why, size] = co_await stream_.async_read_some(room, kTuple);
  idle_ = false;
  buffer_.commit(size);
  co_return !why;
}

asio::awaitable<bool> HttpSession::serve_one() {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(shared_->settings.header_bytes_max));
  parser.body_limit(shared_->settings.body_bytes_max);
  stream_.expires_after(shared_->settings.header_timeout);
  const auto [why, size] = co_await bhttp::async_read_header(stream_, buffer_, parser, kTuple);
  if (why) {
    co_await bad_request(why);
    co_return false;
  }
  ++shared_->requests;
  const Header& header = parser.get();
  if (auto refusal = check_origin(*gatekeeper_, shared_->settings.hosts, header))
    co_return co_await refuse(parser, std::move(*refusal));
  auto request = to_request(header);
  if (!request) co_return co_await refuse(parser, error_response(request.error()));
  auto match = shared_->router.find(request->method, request->path);
  if (!match) co_return co_await refuse(parser, router_refusal(match.error()));
  if (!match->open && !token_accepted(*gatekeeper_, header))
    co_return co_await refuse(
        parser, error_response(fail(Errc::kUnauthorized, "a valid bearer token is needed")));
  request->parameters = std::move(match->parameters);
  const bool has_body = co_await read_body(parser);
  if (!has_body) co_return false;
  waits_since_.reset();
  request->body = std::move(parser.get().body());
  const Handler& handler = *match->handler;
  Response response = co_await ask(handler, std::move(*request));
  const bool keep = parser.get().keep_alive() && !shared_->draining;
  if (response.stream != nullptr) co_return co_await flow(std::move(response), header, keep);
  co_return co_await write(std::move(response), header, keep);
}

// What the peer owes is reserved before it is read, so that many large bodies cannot take the
// memory of the machine; one without a length counts as the largest.
asio::awaitable<bool> HttpSession::read_body(Parser& parser) {
  const auto length = parser.content_length();
  const std::uint64_t most = shared_->settings.body_bytes_max;
  if (length && *length > most) {
    co_await bad_request(bhttp::error::body_limit);
    co_return false;
  }
  const std::uint64_t wanted = parser.chunked() ? most : length.value_or(0);
  if (shared_->body_bytes + wanted > std::max(most, shared_->settings.body_bytes_total_max)) {
    co_await write(error_response(fail(Errc::kBusy, "too many requests at once")), parser.get(),
                   false);
    co_return false;
  }
  reserved_ = wanted;
  shared_->body_bytes += wanted;
  stream_.expires_after(shared_->settings.body_timeout);
  if (bhttp::token_list(parser.get()[bhttp::field::expect]).exists("100-continue") &&
      !parser.is_done()) {
    bhttp::response<bhttp::empty_body> go_on(bhttp::status::continue_, 11);
    const auto [why, size] = co_await bhttp::async_write(stream_, go_on, kTuple);
    if (why) co_return false;
  }
  const auto [why, size] = co_await bhttp::async_read(stream_, buffer_, parser, kTuple);
  if (!why) co_return true;
  co_await bad_request(why);
  co_return false;
}

// Refused by the header alone. A small body is read, so that the connection stays usable.
asio::awaitable<bool> HttpSession::refuse(Parser& parser, Response response) {
  bool keep = parser.get().keep_alive() && !parser.chunked() &&
              parser.content_length().value_or(0) <= kDiscardBytesMax &&
              parser.get()[bhttp::field::expect].empty();
  if (keep) {
    stream_.expires_after(shared_->settings.body_timeout);
    const auto [why, size] = co_await bhttp::async_read(stream_, buffer_, parser, kTuple);
    keep = !why;
  }
  co_return co_await write(std::move(response), parser.get(), keep);
}

// Nothing is read while a request is at work. When the socket becomes readable then, the client has
// ended its side, or has sent the next request, which waits.
std::shared_ptr<const std::atomic<bool>> HttpSession::watch_client() {
  auto gone = std::make_shared<std::atomic<bool>>(false);
  stream_.socket().async_wait(
      Socket::wait_read, [gone, weak = std::weak_ptr(shared_from_this())](const error_code& why) {
        const auto self = weak.lock();
        if (self == nullptr || why || gone.use_count() == 1) return;
        char byte = 0;
        const auto size =
            ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN)) *gone = true;
      });
  return gone;
}

asio::awaitable<Response> HttpSession::ask(const Handler& handler, Request request) {
  const auto slot = std::make_shared<Slot>(stream_.get_executor());
  slot->ready.expires_after(shared_->settings.answer_timeout);
  auto answerer = std::make_shared<Answerer>(
      [weak = std::weak_ptr<Slot>(slot), executor = stream_.get_executor()](Response response) {
        asio::post(executor, [weak, response = std::move(response)]() mutable {
          const auto waiting = weak.lock();
          if (waiting == nullptr) return;
          waiting->response = std::move(response);
          waiting->ready.cancel();
        });
      });
  // The handler has the only copy: when that goes, so does the hope for an answer.
  Respond respond = [answerer = std::move(answerer)](Response response) {
    answerer->give(std::move(response));
  };
  request.gone = watch_client();
  handler(std::move(request), std::move(respond));
  if (!slot->response) co_await slot->ready.async_wait(kTuple);
  if (slot->response) co_return std::move(*slot->response);
  co_return error_response(
      fail(Errc::kBusy, "no answer in time; whether it took effect is unknown"));
}

// An answer without a length. A stream that is not written is ended by its writer's end.
asio::awaitable<bool> HttpSession::flow(Response response, const Header& to, bool keep) {
  const bool chunked = to.version() >= 11;
  const auto writer = std::make_shared<StreamWriter>(stream_, std::exchange(response.stream, {}),
                                                     shared_->settings, chunked);
  if (shared_->streams >= static_cast<std::size_t>(shared_->settings.streams_max)) {
    Response refusal = error_response(fail(Errc::kBusy, "too many open streams; ask again later"));
    co_return co_await write(std::move(refusal), to, keep);
  }
  bhttp::response<bhttp::empty_body> head;
  head.version(11);
  head.result(response.status);
  head.set(bhttp::field::content_type, "text/event-stream; charset=utf-8");
  head.set(bhttp::field::cache_control, "no-store");
  head.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) head.set(name, value);
  head.keep_alive(keep && chunked);
  if (chunked) head.chunked(true);
  bhttp::response_serializer<bhttp::empty_body> serializer(head);
  stream_.expires_after(shared_->settings.write_timeout);
  const auto [why, size] = co_await bhttp::async_write_header(stream_, serializer, kTuple);
  if (why) co_return false;
  if (to.method() == bhttp::verb::head) co_return keep;
  stream_.expires_never();
  writer_ = writer;
  ++shared_->streams;
  const bool in_order = co_await StreamWriter::run(writer);
  --shared_->streams;
  co_return in_order&& keep && !shared_->draining;
}

asio::awaitable<bool> HttpSession::write(Response response, const Header& to, bool keep) {
  bhttp::response<bhttp::string_body> out;
  out.version(11);
  out.result(response.status);
  out.set(bhttp::field::content_type, response.content_type);
  out.set(bhttp::field::cache_control, "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) out.set(name, value);
  out.keep_alive(keep);
  out.body() = std::move(response.body);
  out.prepare_payload();
  stream_.expires_after(shared_->settings.write_timeout);
  if (to.method() == bhttp::verb::head) {
    bhttp::response<bhttp::empty_body> head(out.base());
    const auto [why, size] = co_await bhttp::async_write(stream_, head, kTuple);
    co_return !why && keep;
  }
  const auto [why, size] = co_await bhttp::async_write(stream_, out, kTuple);
  co_return !why && keep;
}

// The bytes are not HTTP, or not within its limits: where a next request would begin is unknown.
asio::awaitable<void> HttpSession::bad_request(error_code why) {
  if (why == bhttp::error::end_of_stream || why == beast::error::timeout ||
      why.category() == boost::system::system_category())
    co_return;
  const Header nothing;
  Response response = parse_refusal(why, shared_->settings);
  co_await write(std::move(response), nothing, false);
}

// Closing with unread bytes would make the kernel throw away what the peer has not yet read.
asio::awaitable<void> HttpSession::linger() {
  error_code ignored;
  if (!stream_.socket().is_open()) co_return;
  waits_since_ = std::chrono::steady_clock::now();
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  stream_.expires_after(kLinger);
  std::size_t left = 1u << 20;
  while (left > 0) {
    buffer_.clear();
    const auto room = buffer_.prepare(4096);
    const auto [why, size] = co_await stream_.async_read_some(room, kTuple);
    if (why) break;
    left -= std::min(left, size);
  }
  stream_.socket().close(ignored);
}

}  // namespace sluice::http
