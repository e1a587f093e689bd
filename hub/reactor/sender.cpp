// SPDX-License-Identifier: Apache-2.0
#include "hub/reactor/sender.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/codec/event_codec.hpp"

namespace sluice::hub {

using core::Result;
using projection::Letter;
using projection::Outbox;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds kLook{100};
}

Sender::Sender(std::shared_ptr<const projection::Reactor> reactor,
               std::unique_ptr<MessageMaker> maker, std::unique_ptr<outbound::Client> client,
               WithOutbox with_outbox, const core::Clock& clock, core::Logger& log)
    : reactor_(std::move(reactor)),
      maker_(std::move(maker)),
      with_outbox_(std::move(with_outbox)),
      clock_(clock),
      log_(log),
      client_(std::move(client)) {
  for (const projection::Reaction& reaction : reactor_->reactions()) lanes_[reaction.name];
  alive_ns_ = clock_.monotonic_ns();
}

Sender::~Sender() {
  stop();
  join();
}

void Sender::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), ("send-" + reactor_->name()).substr(0, 15).c_str());
}

void Sender::stop() {
  stopping_ = true;
  wake();
}

void Sender::join() {
  if (thread_.joinable()) thread_.join();
}

void Sender::wake() {
  client_->wake();
}

SendingStatus Sender::status(const std::string& reaction) const {
  const std::lock_guard lock(mutex_);
  const auto found = lanes_.find(reaction);
  if (found == lanes_.end()) return {};
  return {found->second.busy.size(), found->second.pauses > 0, found->second.last_error};
}

void Sender::run() {
  while (!stopping_) {
    alive_ns_ = clock_.monotonic_ns();
    settle();
    if (ended_.empty())
      for (const projection::Reaction& reaction : reactor_->reactions()) fill(reaction);
    for (outbound::Client::Done& done : client_->wait(kLook)) {
      const auto flight = flights_.find(done.tag);
      const Verdict verdict = judge(done.answer, flight->second.is_mail);
      ended_.push_back({std::move(flight->second.letter), verdict, std::move(done.answer)});
      flights_.erase(flight);
    }
  }
  drain();
}

void Sender::drain() {
  const std::uint64_t until = clock_.monotonic_ns() + kDrainMaxNs;
  while (!flights_.empty() && clock_.monotonic_ns() < until)
    for (outbound::Client::Done& done : client_->wait(kLook)) {
      const auto flight = flights_.find(done.tag);
      const Verdict verdict = judge(done.answer, flight->second.is_mail);
      ended_.push_back({std::move(flight->second.letter), verdict, std::move(done.answer)});
      flights_.erase(flight);
    }
  settle();
}

// A receiver that is away gets one try at a time; the others wait for how that ends.
std::size_t Sender::free_places(const Lane& lane) const {
  if (lane.paused_until_ns > clock_.monotonic_ns()) return 0;
  const auto places =
      lane.pauses > 0 ? std::size_t{1} : static_cast<std::size_t>(reactor_->delivery().concurrency);
  return places > lane.busy.size() ? places - lane.busy.size() : 0;
}

void Sender::fill(const projection::Reaction& reaction) {
  std::size_t places = 0;
  std::set<std::string> busy;
  {
    const std::lock_guard lock(mutex_);
    places = free_places(lanes_.at(reaction.name));
    busy = lanes_.at(reaction.name).busy;
  }
  if (places == 0) return;
  std::vector<Letter> letters;
  const auto taken = with_outbox_([&](Outbox& outbox) -> Result<void> {
    auto due = outbox.take(reaction.name, clock_.monotonic_ns(), places, busy);
    if (!due) return due.error();
    letters = std::move(*due);
    return {};
  });
  if (!taken) {
    const std::lock_guard lock(mutex_);
    return note_error(lanes_.at(reaction.name), reaction.name, core::to_string(taken.error()));
  }
  for (Letter& letter : letters) launch(reaction, std::move(letter));
}

void Sender::launch(const projection::Reaction& reaction, Letter letter) {
  {
    const std::lock_guard lock(mutex_);
    lanes_.at(reaction.name).busy.insert(letter.line);
  }
  const auto never = [&](const core::Error& error) {
    ended_.push_back({std::move(letter), {Fate::kRefuse, false}, {false, 0, {}, error.message}});
  };
  const auto event = codec::decode_event(letter.body);
  if (!event) return never(event.error());
  auto message = maker_->make(reaction, *event, letter.key, clock_.wall_ns());
  if (!message) return never(message.error());
  const bool is_mail = std::holds_alternative<outbound::Mail>(*message);
  const auto tag = static_cast<std::uint64_t>(letter.id);
  const auto started = client_->start(tag, std::move(*message), reactor_->delivery().timeout);
  if (!started) return never(started.error());
  flights_.emplace(tag, Flight{std::move(letter), is_mail});
}

void Sender::settle() {
  std::size_t done = 0;
  for (; done < ended_.size(); ++done) {
    const auto recorded = record(ended_[done]);
    if (!recorded) {
      if (!stuck_)
        log_.error("reactor", "the outbox cannot be written: nothing is sent until it can",
                   {{"reactor", reactor_->name()}, {"error", core::to_string(recorded.error())}});
      stuck_ = true;
      break;
    }
    stuck_ = false;
  }
  ended_.erase(ended_.begin(), ended_.begin() + static_cast<std::ptrdiff_t>(done));
}

Result<void> Sender::record(const Ended& ended) {
  const auto& settings = reactor_->delivery();
  const Letter& letter = ended.letter;
  const std::uint64_t attempts = letter.attempts + (ended.verdict.counts ? 1 : 0);
  const bool given_up = ended.verdict.fate != Fate::kDelivered &&
                        attempts >= static_cast<std::uint64_t>(settings.attempts);
  const std::uint64_t now = clock_.monotonic_ns();
  std::uint64_t pauses = 0;
  {
    const std::lock_guard lock(mutex_);
    pauses = lanes_.at(letter.reaction).pauses;
  }
  pauses = ended.verdict.fate == Fate::kPause ? pauses + 1 : 0;
  const auto wait = backoff(settings, std::max<std::uint64_t>(pauses, attempts),
                            ended.answer.retry_after, random_);
  const std::uint64_t due = now + static_cast<std::uint64_t>(wait.count()) * 1'000'000;
  SLUICE_TRY(with_outbox_([&](Outbox& outbox) {
    if (ended.verdict.fate == Fate::kDelivered) return outbox.sent(letter);
    if (ended.verdict.fate == Fate::kRefuse || given_up)
      return outbox.died(letter, ended.verdict.counts, ended.answer.words);
    return outbox.failed(letter, ended.verdict.counts, due, ended.answer.words);
  }));
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_.at(letter.reaction);
  lane.busy.erase(letter.line);
  lane.pauses = pauses;
  lane.paused_until_ns = pauses > 0 ? due : 0;
  if (ended.verdict.fate == Fate::kDelivered)
    lane.last_error.clear();
  else
    note_error(lane, letter.reaction, ended.answer.words);
  if (ended.verdict.fate == Fate::kRefuse || given_up)
    log_.error("alarm", "a letter is dead: see `sluice reactor dead`",
               {{"reactor", reactor_->name()}, {"key", letter.key}, {"why", ended.answer.words}});
  return {};
}

// The same words again and again say nothing new.
void Sender::note_error(Lane& lane, const std::string& reaction, const std::string& words) {
  if (lane.last_error == words) return;
  lane.last_error = words;
  log_.warning("reactor", words, {{"reactor", reactor_->name()}, {"reaction", reaction}});
}

}  // namespace sluice::hub
