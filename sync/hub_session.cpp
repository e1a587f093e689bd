// SPDX-License-Identifier: Apache-2.0
#include "sync/hub_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "core/random.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/hub_answers.hpp"

namespace sluice::sync {

namespace {

constexpr std::size_t kSpent = 64;

// Few bytes: it travels twice with each event.
std::string short_token() {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  core::SystemRandom random;
  std::string out;
  for (int i = 0; i < 8; ++i) out += kAlphabet[random.below(kAlphabet.size())];
  return out;
}

std::string stream_of(const std::string& shard) {
  return core::hub_stream_name(shard);
}

std::string report_stream() {
  return "KV_" + std::string(core::kReportBucket);
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What the hub said to one publish.
struct Answered {
  core::Lane lane;
  std::uint64_t token = 0;
  PubAnswer answer;
};

std::optional<core::Lane> lane_of(std::string_view token) {
  const auto number = to_number(token);
  if (!number || *number >= core::kLaneCount) return std::nullopt;
  return core::kLanes[*number];
}

// `tokens`: the reply subject behind the inbox, "a.<lane>.<token>" if it is one of these.
std::optional<Answered> read_answer(std::string_view tokens, const nats::Message& message) {
  const auto dot = tokens.rfind('.');
  if (!tokens.starts_with("a.") || dot < 2) return std::nullopt;
  const auto lane = lane_of(tokens.substr(2, dot - 2));
  const auto token = to_number(tokens.substr(dot + 1));
  if (!lane || !token) return std::nullopt;
  return Answered{*lane, *token, parse_pub_answer(message.status(), message.payload())};
}

}  // namespace

// What nats.c's threads may touch. Lives on while one of them holds it.
struct HubSession::Mailbox {
  std::mutex mutex;
  boost::asio::io_context* io = nullptr;
  HubSession* session = nullptr;  // touched on the io_context's thread only
  bool left = false;
  bool posted = false;
  std::vector<std::variant<Answered, nats::Message>> heard;  // in order
  std::vector<core::Error> complaints;
  std::optional<core::Error> closed;
  std::optional<core::Result<std::unique_ptr<nats::Connection>>> connected;

  template <class Put>
  static void post(const std::shared_ptr<Mailbox>& box, Put put) {
    const std::lock_guard lock(box->mutex);
    if (box->left) return;
    put(*box);
    if (std::exchange(box->posted, true)) return;
    boost::asio::post(*box->io, [box] {
      if (box->session != nullptr) box->session->deliver();
    });
  }
};

HubSession::HubSession(boost::asio::io_context& io, Options options, HubListener& listener)
    : options_(std::move(options)), listener_(listener), mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->io = &io;
  mailbox_->session = this;
  auto& connection = options_.connection;
  connection.inbox_prefix = core::gateway_inbox_prefix(options_.gateway);
  inbox_ = connection.inbox_prefix + "." + short_token();
  connection.on_closed = [box = mailbox_](core::Error why) {
    Mailbox::post(box, [&](Mailbox& to) { to.closed = std::move(why); });
  };
  connection.on_error = [box = mailbox_](core::Error why) {
    Mailbox::post(box, [&](Mailbox& to) {
      if (to.complaints.size() < 16) to.complaints.push_back(std::move(why));
    });
  };
  std::thread([box = mailbox_, how = connection] {
    auto made = nats::Connection::connect(how);
    Mailbox::post(box, [&](Mailbox& to) { to.connected = std::move(made); });
  }).detach();
}

HubSession::~HubSession() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->left = true;
    mailbox_->session = nullptr;
    mailbox_->heard.clear();
    mailbox_->connected.reset();
  }
  needs_.reset();
  answers_.reset();
  connection_.reset();
}

void HubSession::deliver() {
  const auto box = mailbox_;  // a listener may destroy this session
  std::vector<std::variant<Answered, nats::Message>> heard;
  std::vector<core::Error> complaints;
  std::optional<core::Error> closed;
  std::optional<core::Result<std::unique_ptr<nats::Connection>>> connected;
  {
    const std::lock_guard lock(box->mutex);
    box->posted = false;
    heard.swap(box->heard);
    complaints.swap(box->complaints);
    closed.swap(box->closed);
    connected.swap(box->connected);
  }
  if (connected) {
    if (!*connected) return listener_.hub_failed(connected->error());
    opened(std::move(**connected));
  }
  for (auto& one : heard) {
    if (box->session == nullptr) return;
    if (const auto* to = std::get_if<Answered>(&one))
      listener_.hub_answer(to->lane, to->token, to->answer);
    else
      take(std::move(std::get<nats::Message>(one)));
  }
  for (auto& complaint : complaints) {
    if (box->session == nullptr) return;
    listener_.hub_complains(std::move(complaint));
  }
  if (!closed || box->session == nullptr || std::exchange(closed_, true)) return;
  listener_.hub_closed(std::move(*closed));
}

void HubSession::opened(std::unique_ptr<nats::Connection> connection) {
  connection_ = std::move(connection);
  const auto post = [box = mailbox_](nats::Message message) {
    Mailbox::post(box, [&](Mailbox& to) { to.heard.emplace_back(std::move(message)); });
  };
  // One answer comes for each event: they are read, and their messages freed, on nats.c's thread,
  // beside the one that sends; some at a time, which wakes the thread that frees them once.
  auto spent = std::make_shared<std::vector<nats::Message>>();
  const auto read = [box = mailbox_, inbox = inbox_ + ".", post, spent](nats::Message message) {
    const auto subject = message.subject();
    std::optional<Answered> answered;
    if (subject.starts_with(inbox)) answered = read_answer(subject.substr(inbox.size()), message);
    if (!answered) return post(std::move(message));
    Mailbox::post(box, [&](Mailbox& to) { to.heard.emplace_back(std::move(*answered)); });
    spent->push_back(std::move(message));
    if (spent->size() >= kSpent) spent->clear();
  };
  auto answers = connection_->subscribe(inbox_ + ".>", read);
  if (!answers) return listener_.hub_failed(answers.error());
  auto needs = connection_->subscribe(core::need_subject(options_.gateway), post);
  if (!needs) return listener_.hub_failed(needs.error());
  answers_ = std::move(*answers);
  needs_ = std::move(*needs);
  listener_.hub_connected(connection_->server_info().max_payload);
}

void HubSession::take(nats::Message message) {
  const auto subject = message.subject();
  if (!subject.starts_with(inbox_)) {
    if (message.payload() == codec::kLook) return listener_.hub_look();
    if (message.payload() == codec::kHubChanged) return listener_.hub_changed();
    const auto need = codec::decode_need(message.payload());
    if (need) listener_.hub_need(*need);
    return;
  }
  const auto tokens = core::split(subject.substr(inbox_.size() + 1), '.');
  const auto kind = tokens[0];
  if (kind == "i") return listener_.hub_info(read_stream_info(stream_of(options_.shard), message));
  if (kind == "g") return listener_.hub_report(read_stored_report(message));
  if (kind == "k") return listener_.hub_alive();
  if (kind == "p") return listener_.hub_report_put(read_put_answer(message));
  const auto lane = tokens.size() == 2 ? lane_of(tokens[1]) : std::nullopt;
  if (kind == "d" && lane) listener_.hub_anchor(*lane, read_stored(message));
}

void HubSession::send(const std::string& subject, std::string_view payload,
                      const nats::Headers& headers, const std::string& tokens) {
  if (!connection_ || closed_) return;
  auto sent = connection_->publish(subject, payload, headers, inbox_ + "." + tokens);
  if (sent) return;
  // The session ends over it, and each of its messages is sent again in the next one.
  Mailbox::post(mailbox_, [&](Mailbox& to) {
    if (!to.closed) to.closed = std::move(sent).error();
  });
}

void HubSession::ask_stream() {
  send("$JS.API.STREAM.INFO." + stream_of(options_.shard), {}, {}, "i");
}

void HubSession::ask_anchor(core::Lane lane, const std::string& hub_stream,
                            const std::string& subject) {
  send("$JS.API.DIRECT.GET." + hub_stream + "." + subject, {}, {},
       "d." + std::to_string(core::index(lane)));
}

void HubSession::publish(core::Lane lane, std::uint64_t token, const Outgoing& message) {
  nats::Headers headers{{"Nats-Msg-Id", message.identity}};
  if (message.clock_ns != 0)
    headers.emplace_back(core::kClockHeader, std::to_string(message.clock_ns));
  send(message.subject, message.body, headers,
       "a." + std::to_string(core::index(lane)) + "." + std::to_string(token));
}

// Nobody answers, and whether anybody hears it does not matter.
void HubSession::publish_live(const std::string& category, std::string_view body) {
  if (!connection_ || closed_) return;
  (void)connection_->publish(core::live_subject(options_.gateway, category), body);
}

void HubSession::ping() {
  send("$JS.API.DIRECT.GET." + report_stream() + "." + core::report_subject(options_.gateway), {},
       {}, "k");
}

void HubSession::get_report() {
  send("$JS.API.DIRECT.GET." + report_stream() + "." + core::report_subject(options_.gateway), {},
       {}, "g");
}

void HubSession::put_report(std::uint64_t revision, std::string_view payload) {
  send(core::report_subject(options_.gateway), payload,
       {{"Nats-Expected-Last-Subject-Sequence", std::to_string(revision)}}, "p");
}

std::string HubSession::url() const {
  return connection_ ? connection_->server_info().url : "";
}

nats::Connection::Bytes HubSession::bytes() const {
  return connection_ ? connection_->bytes() : nats::Connection::Bytes{};
}

}  // namespace sluice::sync
