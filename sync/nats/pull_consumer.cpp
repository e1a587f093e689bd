// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/pull_consumer.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_query.hpp"

namespace sluice::nats {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
namespace json = core::json;

constexpr milliseconds kLinger{5};           // how long a partial batch waits for more
constexpr milliseconds kExpiryGrace{2'000};  // 2.9.10 does not always say that a pull has expired

std::int64_t nanoseconds(milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

std::string create_request(const PullOptions& options) {
  json::object config{{"ack_policy", "none"},
                      {"replay_policy", "instant"},
                      {"inactive_threshold", nanoseconds(options.inactive)},
                      {"num_replicas", 1},
                      {"mem_storage", true}};
  if (options.last_per_subject) {
    config["deliver_policy"] = "last_per_subject";
  } else {
    config["deliver_policy"] = "by_start_sequence";
    config["opt_start_seq"] = std::max<std::uint64_t>(options.start, 1);
  }
  if (!options.filter.empty()) config["filter_subject"] = options.filter;
  return core::to_json(
      json::object{{"stream_name", options.hub_stream}, {"config", std::move(config)}});
}

std::optional<std::uint64_t> number(std::string_view token) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  return value;
}

}  // namespace

// $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer seq>.<time>.<pending>, and since
// newer servers $JS.ACK.<domain>.<account>.<stream>. ... .<pending>[.<random>].
std::optional<AckSubject> AckSubject::parse(std::string_view subject) {
  const auto tokens = core::split(subject, '.');
  if (tokens.size() < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
  const std::size_t at = tokens.size() == 9 ? 5 : 7;
  if (tokens.size() != 9 && tokens.size() < 11) return std::nullopt;
  const auto sequence = number(tokens[at]);
  const auto stored = number(tokens[at + 2]);
  const auto pending = number(tokens[at + 3]);
  if (!sequence || !stored || !pending) return std::nullopt;
  return AckSubject{*sequence, static_cast<std::int64_t>(*stored), *pending};
}

class PullConsumer::Impl {
 public:
  Impl(Connection& connection, const PullOptions& options)
      : connection_(connection), options_(options), inbox_(connection.new_inbox()) {}

  ~Impl() {
    subscription_.reset();  // no handler runs from here on
    if (name_.empty() || !connection_.is_open()) return;
    // Courtesy only: the server would forget the consumer by itself.
    (void)connection_.publish("$JS.API.CONSUMER.DELETE." + options_.hub_stream + "." + name_, {});
  }

  Result<void> start() {
    auto subscription = connection_.subscribe(inbox_, [this](Message message) {
      {
        const std::lock_guard lock(mutex_);
        arrived_.push_back(std::move(message));
      }
      changed_.notify_one();
    });
    if (!subscription) return subscription.error();
    subscription_ = std::move(*subscription);
    const auto answer = api_request(connection_, "$JS.API.CONSUMER.CREATE." + options_.hub_stream,
                                    create_request(options_), options_.create_timeout);
    if (!answer) return answer.error();
    const json::value* name = answer->if_contains("name");
    if (name == nullptr || !name->is_string())
      return fail(Errc::kIo, "JetStream made a consumer without a name");
    name_ = name->as_string();
    if (const json::value* pending = answer->if_contains("num_pending");
        pending != nullptr && pending->is_int64())
      pending_ = static_cast<std::uint64_t>(pending->as_int64());
    return pull();
  }

  Result<std::vector<Pulled>> next(milliseconds wait) {
    const auto deadline = SteadyClock::now() + wait;
    std::vector<Pulled> out;
    for (;;) {
      std::optional<Message> message = take(out.empty() ? deadline : SteadyClock::now() + kLinger);
      const auto now = SteadyClock::now();
      if (message) {
        heard_ = now;
        SLUICE_TRY(accept(std::move(*message), out));
      }
      if (!in_flight_ || now >= pulled_ + options_.expires + kExpiryGrace) SLUICE_TRY(pull());
      if (out.size() >= options_.batch || (!message && (!out.empty() || now >= deadline)) ||
          interrupted())
        break;
      if (!message) SLUICE_TRY(check_alive(now));
    }
    if (out.empty()) SLUICE_TRY(check_alive(SteadyClock::now()));
    return out;
  }

  void interrupt() {
    {
      const std::lock_guard lock(mutex_);
      interrupted_ = true;
    }
    changed_.notify_one();
  }

  std::uint64_t pending() const { return pending_; }

 private:
  std::optional<Message> take(SteadyClock::time_point until) {
    std::unique_lock lock(mutex_);
    const auto limit = std::min(until, SteadyClock::now() + milliseconds(500));
    changed_.wait_until(lock, limit, [&] { return !arrived_.empty() || interrupted_; });
    if (arrived_.empty()) return std::nullopt;
    Message message = std::move(arrived_.front());
    arrived_.pop_front();
    return message;
  }

  bool interrupted() {
    const std::lock_guard lock(mutex_);
    return std::exchange(interrupted_, false);
  }

  Result<void> pull() {
    const json::object request{{"batch", options_.batch},
                               {"max_bytes", options_.batch_bytes},
                               {"expires", nanoseconds(options_.expires)},
                               {"idle_heartbeat", nanoseconds(options_.heartbeat)}};
    SLUICE_TRY(connection_.publish("$JS.API.CONSUMER.MSG.NEXT." + options_.hub_stream + "." + name_,
                                   core::to_json(request), {}, inbox_));
    in_flight_ = options_.batch;
    pulled_ = heard_ = SteadyClock::now();
    return {};
  }

  Result<void> accept(Message message, std::vector<Pulled>& out) {
    // An event may carry any header, so only what is not one is looked at as a status.
    const auto ack = AckSubject::parse(message.reply());
    if (!ack) {
      if (const int status = message.status(); status != 0) return accept_status(message, status);
      return fail(Errc::kIo, "a message of " + options_.hub_stream +
                                 " came without a JetStream reply subject");
    }
    if (in_flight_ > 0) --in_flight_;
    pending_ = ack->pending;
    out.push_back(Pulled{std::move(message), ack->sequence, ack->stored_ns, ack->pending});
    return {};
  }

  // 100 is a heartbeat, 404 and 408 end a pull; a 409 may end the pull only, or the consumer.
  Result<void> accept_status(const Message& message, int status) {
    if (status == 100) return {};
    const std::string words = message.header("Description").value_or("");
    const bool ends_pull = status == 404 || status == 408 ||
                           (status == 409 && (words.find("MaxBytes") != std::string::npos ||
                                              words.find("Batch Completed") != std::string::npos));
    if (ends_pull) {
      in_flight_ = 0;
      return {};
    }
    return fail(Errc::kUnavailable, "the consumer on " + options_.hub_stream + " ended: status " +
                                        std::to_string(status) + (words.empty() ? "" : " ") +
                                        words);
  }

  Result<void> check_alive(SteadyClock::time_point now) {
    if (!connection_.is_open()) return fail(Errc::kUnavailable, "the connection is closed");
    if (now - heard_ > 3 * options_.heartbeat)
      return fail(Errc::kUnavailable,
                  "the server has been silent on " + options_.hub_stream + " for three heartbeats");
    return {};
  }

  Connection& connection_;
  const PullOptions options_;
  const std::string inbox_;
  std::string name_;
  std::unique_ptr<Subscription> subscription_;

  // The reader's thread only.
  std::size_t in_flight_ = 0;  // messages that the pull in flight may still bring
  std::uint64_t pending_ = 0;
  SteadyClock::time_point pulled_;
  SteadyClock::time_point heard_;

  // Shared with the subscription's thread.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> arrived_;
  bool interrupted_ = false;
};

PullConsumer::PullConsumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PullConsumer::~PullConsumer() = default;

Result<std::unique_ptr<PullConsumer>> PullConsumer::create(Connection& connection,
                                                           const PullOptions& options) {
  SLUICE_ASSERT(options.batch >= 1 && options.batch <= 500);
  auto impl = std::make_unique<Impl>(connection, options);
  SLUICE_TRY(impl->start());
  return std::unique_ptr<PullConsumer>(new PullConsumer(std::move(impl)));
}

Result<std::vector<Pulled>> PullConsumer::next(milliseconds wait) {
  return impl_->next(wait);
}
void PullConsumer::interrupt() {
  impl_->interrupt();
}
std::uint64_t PullConsumer::pending() const {
  return impl_->pending();
}

}  // namespace sluice::nats
