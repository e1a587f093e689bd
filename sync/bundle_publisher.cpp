// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_publisher.hpp"

#include <algorithm>
#include <charconv>

#include "core/subject.hpp"
#include "sync/import_turn.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;
using namespace std::chrono_literals;

constexpr auto kPauseMin = 200ms;
constexpr auto kPauseMax = 5000ms;

}  // namespace

BundlePublisher::BundlePublisher(Options options, Acked acked)
    : options_(std::move(options)),
      acked_(std::move(acked)),
      mailbox_(std::make_shared<Mailbox>()),
      progress_(Clock::now()),
      heard_(progress_) {}

BundlePublisher::~BundlePublisher() {
  answers_.reset();
  connection_.reset();
}

core::Error BundlePublisher::given_up() const {
  return fail(Errc::kUnavailable,
              words_.empty() ? std::string("the hub does not answer what is published") : words_);
}

Result<nats::Connection*> BundlePublisher::connection() {
  if (connection_ && connection_->is_open()) return connection_.get();
  answers_.reset();
  connection_.reset();
  nats::ConnectionOptions how;
  how.login = options_.login;
  how.name = "sluice bundle import";
  how.inbox_prefix = "_INBOX_IMPORT";  // that permissions can name; in capitals, no gateway's
  how.on_error = [box = mailbox_](core::Error why) {
    const std::lock_guard lock(box->mutex);
    box->complaint = std::move(why.message);
  };
  auto made = nats::Connection::connect(how);
  if (!made) return made.error();
  connection_ = std::move(*made);
  inbox_ = connection_->new_inbox();
  auto answers = connection_->subscribe(inbox_ + ".*", [box = mailbox_](nats::Message message) {
    const std::lock_guard lock(box->mutex);
    box->answers.push_back(std::move(message));
    box->something.notify_one();
  });
  if (!answers) return answers.error();
  answers_ = std::move(*answers);
  return connection_.get();
}

Result<void> BundlePublisher::send(const Waiting& one, std::uint64_t token) {
  nats::Headers headers{{"Nats-Msg-Id", one.item.identity}};
  if (one.item.clock_ns != 0)
    headers.emplace_back(core::kClockHeader, std::to_string(one.item.clock_ns));
  if (one.is_late) headers.emplace_back(core::kLateHeader, "1");
  return connection_->publish(one.item.subject, one.item.body, headers,
                              inbox_ + "." + std::to_string(token));
}

Result<void> BundlePublisher::publish(Item item, bool is_late) {
  const std::size_t bytes = item.wire_size();
  SLUICE_TRY(wait_while([&] {
    return !window_.empty() && (window_.size() >= options_.window_events ||
                                window_bytes_ + bytes > options_.window_bytes);
  }));
  if (window_.empty()) {
    progress_ = heard_ = Clock::now();
    if (const auto open = connection(); !open) words_ = open.error().message;
  }
  // Nothing overtakes what has to go again.
  refused_ = refused_ || !connection_ || !connection_->is_open();
  window_.push_back({std::move(item), is_late, bytes, std::nullopt});
  window_bytes_ += bytes;
  if (!refused_) {
    const auto sent = send(window_.back(), first_token_ + window_.size() - 1);
    if (!sent && sent.error().code == Errc::kTooLarge)
      return fail(Errc::kLimit, "event " + window_.back().item.identity +
                                    " is larger than this server takes: raise its max_payload, "
                                    "then import again");
    refused_ = !sent;
  }
  const auto took = take_answers(0ms);
  return took ? Result<void>() : took.error();
}

Result<void> BundlePublisher::drain() {
  return wait_while([&] { return !window_.empty(); });
}

Result<void> BundlePublisher::wait_while(const std::function<bool()>& full) {
  while (full()) {
    if (refused_ || Clock::now() - heard_ >= options_.ack_timeout || !connection_ ||
        !connection_->is_open())
      SLUICE_TRY(again());
    const auto took = take_answers(100ms);
    if (!took) return took.error();
    if (over()) return given_up();
  }
  return {};
}

Result<bool> BundlePublisher::take_answers(std::chrono::milliseconds wait) {
  std::vector<nats::Message> answers;
  {
    std::unique_lock lock(mailbox_->mutex);
    if (mailbox_->answers.empty() && wait > 0ms) mailbox_->something.wait_for(lock, wait);
    answers.swap(mailbox_->answers);
    if (!mailbox_->complaint.empty()) words_ = std::exchange(mailbox_->complaint, {});
  }
  for (const auto& answer : answers) SLUICE_TRY(take_answer(answer));
  hand_out();
  return !answers.empty();
}

Result<void> BundlePublisher::take_answer(const nats::Message& message) {
  if (!message.subject().starts_with(inbox_)) return {};  // of an earlier connection
  const auto digits = message.subject().substr(inbox_.size() + 1);
  std::uint64_t token = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), token);
  if (token < first_token_ || token >= first_token_ + window_.size()) return {};
  heard_ = Clock::now();
  auto& one = window_[token - first_token_];
  const auto answer = parse_pub_answer(message.status(), message.payload());
  if (answer.ok) {
    if (!one.ack) one.ack = answer.ack;
    return {};
  }
  words_ = answer.error.words;
  if (answer.error.refusal == Refusal::kSetAside)
    return fail(Errc::kLimit, "the hub refuses event " + one.item.identity + ": " + words_ +
                                  "; raise the limit, then import again");
  refused_ = true;
  return {};
}

void BundlePublisher::hand_out() {
  while (!window_.empty() && window_.front().ack) {
    acked_(window_.front().item, *window_.front().ack);
    window_bytes_ -= window_.front().bytes;
    window_.pop_front();
    ++first_token_;
    progress_ = heard_ = Clock::now();
    pause_ = 0ms;
  }
}

// Everything that is not acked, in order. Answers to what was sent before no longer count, but for
// those that are in already.
Result<void> BundlePublisher::again() {
  if (over()) return given_up();
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, kPauseMin, kPauseMax);
  pause_for(pause_);
  const auto took = take_answers(0ms);
  if (!took) return took.error();
  refused_ = false;
  heard_ = Clock::now();
  const auto open = connection();
  if (!open) {
    words_ = open.error().message;
    if (open.error().code == Errc::kConfig) return open.error();
    return {};
  }
  first_token_ += window_.size();  // new tokens for all
  for (auto& one : window_) one.ack.reset();
  for (std::size_t i = 0; i < window_.size(); ++i)
    if (const auto sent = send(window_[i], first_token_ + i); !sent) {
      refused_ = true;
      break;
    }
  return {};
}

}  // namespace sluice::sync
