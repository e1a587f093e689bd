// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/connection.hpp"

#include <sodium.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sync/nats/callbacks.hpp"
#include "sync/nats/handles.hpp"
#include "sync/nats/time_floor.hpp"

namespace sluice::nats {

namespace {

std::atomic<std::size_t> abandoned_attempts{0};

std::string random_token() {
  static constexpr char kAlphabet[] =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out;
  for (int i = 0; i < 22; ++i) out += kAlphabet[randombytes_uniform(62)];
  return out;
}

// "PUB <subject> <reply> <size>\r\n<payload>\r\n", or its form with headers.
std::uint64_t wire_bytes(std::size_t subject, std::size_t reply, std::size_t payload,
                         const Headers& headers) {
  std::uint64_t size = 14 + subject + reply + payload;
  if (headers.empty()) return size;
  size += 17;  // the second size, and "NATS/1.0\r\n\r\n"
  for (const auto& [key, value] : headers) size += key.size() + value.size() + 4;
  return size;
}

core::Result<MessageHandle> make_message(const std::string& subject, const std::string& reply,
                                         std::string_view payload, const Headers& headers) {
  natsMsg* raw = nullptr;
  auto status = natsMsg_Create(&raw, subject.c_str(), reply.empty() ? nullptr : reply.c_str(),
                               payload.data(), static_cast<int>(payload.size()));
  MessageHandle message(raw);
  for (const auto& [key, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, key.c_str(), value.c_str());
  }
  if (status != NATS_OK) return to_error(status, "message to " + subject);
  return message;
}

// nats.c frees messages on a thread of its own and wakes it for each that it is given while it
// rests: given many at once, it is woken once.
class Spent {
 public:
  void add(MessageHandle message) {
    const std::lock_guard lock(mutex_);
    bytes_ += static_cast<std::size_t>(natsMsg_GetDataLength(message.get()));
    messages_.push_back(std::move(message));
    if (messages_.size() < kMessages && bytes_ < kBytes) return;
    messages_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t kMessages = 64;
  static constexpr std::size_t kBytes = 64 * 1024;
  std::mutex mutex_;
  std::vector<MessageHandle> messages_;
  std::size_t bytes_ = 0;
};

// One attempt, shared by the caller and the thread that may never come back.
struct Attempt {
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  bool left = false;
  natsStatus status = NATS_OK;
  std::string detail;
  natsConnection* connection = nullptr;
};

void run_attempt(const std::shared_ptr<Attempt>& attempt, natsOptions* options) {
  natsConnection* connection = nullptr;
  const auto status = natsConnection_Connect(&connection, options);
  std::string detail = status == NATS_OK ? std::string() : last_error_text();
  natsOptions_Destroy(options);
  bool left = false;
  {
    const std::lock_guard lock(attempt->mutex);
    attempt->done = true;
    attempt->status = status;
    attempt->detail = std::move(detail);
    left = attempt->left;
    if (!left) attempt->connection = connection;
    attempt->over.notify_all();
  }
  if (left) {
    natsConnection_Destroy(connection);
    abandoned_attempts.fetch_sub(1);
  }
  nats_ReleaseThreadMemory();
}

}  // namespace

class Connection::Impl {
 public:
  Impl(const ConnectionOptions& options, std::string inbox_prefix)
      : inbox_prefix_(std::move(inbox_prefix)),
        slot_(std::in_place,
              CallbackSlot::Handlers{.on_message = {},
                                     .on_error = options.on_error,
                                     .on_closed = [this, tell = options.on_closed] {
                                       open_ = false;
                                       if (tell)
                                         tell(core::fail(core::Errc::kUnavailable,
                                                         "connection closed: " + why()));
                                     }}) {}
  ~Impl() {
    slot_.reset();  // before Destroy, which would call on_closed
    natsConnection_Destroy(connection_.load());
  }

  core::Result<void> connect(const ConnectionOptions& options, const std::string& url);

  // nats.c's reason for the end, as far as it gives one.
  std::string why() const {
    const char* words = nullptr;
    auto* connection = connection_.load();
    if (connection != nullptr) natsConnection_GetLastError(connection, &words);
    return words == nullptr || *words == '\0' ? "by the other end" : words;
  }

  const std::string inbox_prefix_;
  std::atomic<natsConnection*> connection_{nullptr};
  std::atomic<bool> open_{true};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> received_{0};
  Spent spent_;
  ServerInfo info_;
  std::optional<CallbackSlot> slot_;
};

core::Result<void> Connection::Impl::connect(const ConnectionOptions& options,
                                             const std::string& url) {
  auto handle = make_options(options, url, inbox_prefix_);
  if (!handle) return handle.error();
  natsOptions_SetErrorHandler(handle->get(), &CallbackSlot::error, slot_->closure());
  natsOptions_SetClosedCB(handle->get(), &CallbackSlot::closed, slot_->closure());

  auto attempt = std::make_shared<Attempt>();
  const std::string doing = "connecting to " + without_login(url);
  std::thread([attempt, raw = handle->release()] { run_attempt(attempt, raw); }).detach();
  std::unique_lock lock(attempt->mutex);
  // A little longer than nats.c's own limit, so that its better words come first.
  const auto limit = options.connect_timeout + std::chrono::milliseconds(250);
  if (!attempt->over.wait_for(lock, limit, [&] { return attempt->done; })) {
    attempt->left = true;
    abandoned_attempts.fetch_add(1);
    return core::fail(core::Errc::kUnavailable,
                      doing + ": no answer within the connect timeout (DNS, TCP or TLS handshake)");
  }
  if (attempt->status != NATS_OK) return to_error(attempt->status, doing, attempt->detail);
  connection_ = attempt->connection;
  info_.url = without_login(url);
  info_.max_payload = static_cast<std::size_t>(natsConnection_GetMaxPayload(connection_));
  char server_id[256] = {};
  if (natsConnection_GetConnectedServerId(connection_, server_id, sizeof server_id) == NATS_OK)
    info_.server_id = server_id;
  return {};
}

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

std::size_t Connection::abandoned() {
  return abandoned_attempts.load();
}

core::Result<std::unique_ptr<Connection>> Connection::connect(const ConnectionOptions& options) {
  if (sodium_init() < 0) return core::fail(core::Errc::kInternal, "libsodium does not start");
  // Whoever still hangs in a handshake may be looking at the time: then it stays what it is.
  if (abandoned() == 0 && !set_certificate_time_floor(options.time_floor_ns))
    return core::fail(core::Errc::kInternal, "OpenSSL does not take a time");
  const auto& urls = options.login.urls;
  core::Error last = core::fail(core::Errc::kConfig, "no server is named");
  for (std::size_t i = 0; i < urls.size(); ++i) {
    if (abandoned() >= kAbandonedMax)
      return core::fail(core::Errc::kInternal, "too many connection attempts hang");
    const auto& url = urls[(options.first_server + i) % urls.size()];
    auto impl = std::make_unique<Impl>(
        options, options.inbox_prefix.empty() ? "_INBOX_" + random_token() : options.inbox_prefix);
    auto connected = impl->connect(options, url);
    if (connected) return std::unique_ptr<Connection>(new Connection(std::move(impl)));
    last = std::move(connected).error();
  }
  return last;
}

core::Result<void> Connection::publish(const std::string& subject, std::string_view payload,
                                       const Headers& headers, const std::string& reply) {
  natsStatus status = NATS_OK;
  auto* connection = impl_->connection_.load();
  if (headers.empty()) {
    const int size = static_cast<int>(payload.size());
    status = reply.empty()
                 ? natsConnection_Publish(connection, subject.c_str(), payload.data(), size)
                 : natsConnection_PublishRequest(connection, subject.c_str(), reply.c_str(),
                                                 payload.data(), size);
  } else {
    auto message = make_message(subject, reply, payload, headers);
    if (!message) return message.error();
    status = natsConnection_PublishMsg(connection, message->get());
    impl_->spent_.add(std::move(*message));
  }
  if (status != NATS_OK) return to_error(status, "publishing to " + subject);
  impl_->sent_ += wire_bytes(subject.size(), reply.size(), payload.size(), headers);
  return {};
}

core::Result<Message> Connection::request(const std::string& subject, std::string_view payload,
                                          std::chrono::milliseconds timeout,
                                          const Headers& headers) {
  auto message = make_message(subject, {}, payload, headers);
  if (!message) return message.error();
  natsMsg* reply = nullptr;
  const auto status = natsConnection_RequestMsg(&reply, impl_->connection_, message->get(),
                                                static_cast<std::int64_t>(timeout.count()));
  impl_->sent_ +=
      wire_bytes(subject.size(), impl_->inbox_prefix_.size() + 30, payload.size(), headers);
  if (status != NATS_OK) return to_error(status, "request to " + subject);
  Message answer(reply);
  impl_->received_ += wire_bytes(answer.subject().size(), 0, answer.payload().size(), {});
  return answer;
}

namespace {

class LiveSubscription final : public Subscription {
 public:
  explicit LiveSubscription(CallbackSlot::Handlers handlers) : slot_(std::move(handlers)) {}
  ~LiveSubscription() override { natsSubscription_Destroy(handle_); }

  natsStatus start(natsConnection* connection, const std::string& subject) {
    return natsConnection_Subscribe(&handle_, connection, subject.c_str(), &CallbackSlot::message,
                                    slot_.closure());
  }

 private:
  natsSubscription* handle_ = nullptr;
  CallbackSlot slot_;
};

}  // namespace

core::Result<std::unique_ptr<Subscription>> Connection::subscribe(const std::string& subject,
                                                                  MessageHandler handler) {
  auto on_message = [impl = impl_.get(), handler = std::move(handler)](natsMsg* raw) {
    Message message(raw);
    impl->received_ +=
        wire_bytes(message.subject().size(), message.reply().size(), message.payload().size(), {});
    handler(std::move(message));
  };
  auto subscription = std::make_unique<LiveSubscription>(
      CallbackSlot::Handlers{.on_message = std::move(on_message), .on_error = {}, .on_closed = {}});
  const auto status = subscription->start(impl_->connection_, subject);
  if (status != NATS_OK) return to_error(status, "subscribing to " + subject);
  impl_->sent_ += subject.size() + 12;
  return std::unique_ptr<Subscription>(std::move(subscription));
}

std::string Connection::new_inbox() {
  return impl_->inbox_prefix_ + "." + random_token();
}

core::Result<void> Connection::flush(std::chrono::milliseconds timeout) {
  const auto status =
      natsConnection_FlushTimeout(impl_->connection_, static_cast<std::int64_t>(timeout.count()));
  impl_->sent_ += 6;
  impl_->received_ += 6;
  if (status != NATS_OK) return to_error(status, "waiting for the server");
  return {};
}

bool Connection::is_open() const {
  return impl_->open_;
}
const ServerInfo& Connection::server_info() const {
  return impl_->info_;
}

Connection::Bytes Connection::bytes() const {
  return {.sent = impl_->sent_, .received = impl_->received_};
}

}  // namespace sluice::nats
