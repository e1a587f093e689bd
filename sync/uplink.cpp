// SPDX-License-Identifier: Apache-2.0
#include "sync/uplink.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "core/subject.hpp"

namespace sluice::sync {

namespace {

constexpr std::string_view kComponent = "uplink";
constexpr std::chrono::milliseconds kHousekeeping{500};
constexpr Time kAlarmPause{600'000};  // between two events of one type

std::string_view link_word(Forwarder::Link link) {
  switch (link) {
    case Forwarder::Link::kUp:
      return "up";
    case Forwarder::Link::kConnecting:
    case Forwarder::Link::kOpening:
      return "connecting";
    case Forwarder::Link::kStopped:
      return "stopped";
    case Forwarder::Link::kNoLog:
    case Forwarder::Link::kWaiting:
      break;
  }
  return "down";
}

}  // namespace

Uplink::Uplink(boost::asio::io_context& io, UplinkSettings settings, Environment environment)
    : io_(io),
      settings_(std::move(settings)),
      environment_(std::move(environment)),
      forwarder_({settings_.id, settings_.shard}, settings_.forwarder(), *this),
      reports_({environment_.machine, settings_.report_interval, settings_.report_change_interval},
               *this),
      attempts_(environment_.random.below(1024)),
      deadline_timer_(io),
      housekeeping_timer_(io),
      sluiced_timer_(io),
      bell_timer_(io) {}

Uplink::~Uplink() = default;

void Uplink::start() {
  open_sluiced();
}

void Uplink::stop() {
  stopping_ = true;
  forwarder_.flush_acks();
  end_session();
  forwarder_.log_closed();
  if (sluiced_) {
    auto status = link_status();
    status.state = "down";
    status.last_error = "sluice-uplink was stopped";
    sluiced_->status(pack_link_status(status));
  }
  for (auto* timer : {&deadline_timer_, &housekeeping_timer_, &sluiced_timer_, &bell_timer_})
    timer->cancel();
}

Time Uplink::now() const {
  return std::chrono::duration_cast<Time>(
      std::chrono::nanoseconds(environment_.clock.monotonic_ns()));
}

// --- What the state machines ask for ------------------------------------------------------------

void Uplink::connect() {
  HubSession::Options options;
  options.gateway = settings_.id;
  options.shard = settings_.shard;
  options.connection.login = settings_.login;
  options.connection.name = "sluice-uplink " + settings_.id;
  options.connection.connect_timeout = settings_.connect_timeout;
  // Each attempt begins with another server, so that one that hangs does not hide the next.
  options.connection.first_server = attempts_++;
  complaint_.clear();
  HubListener& listener = *this;
  hub_ = std::make_unique<HubSession>(io_, std::move(options), listener);
  ++hub_generation_;
}

void Uplink::ask_hub_stream() {
  hub_->ask_stream();
}

void Uplink::claim() {
  const bool told = settings_.takeover || std::filesystem::exists(settings_.takeover_file());
  reports_.begin(told, now());
}

void Uplink::ask_anchor(core::Lane lane, const std::string& hub_stream,
                        const std::string& subject) {
  if (hub_) hub_->ask_anchor(lane, hub_stream, subject);
}

void Uplink::publish(core::Lane lane, std::uint64_t token, const std::string& subject,
                     const std::string& identity, std::string_view body) {
  if (hub_) hub_->publish(lane, token, subject, identity, body);
}

void Uplink::get_report() {
  if (hub_) hub_->get_report();
}

void Uplink::put_report(std::uint64_t revision, bool stopped_as_clone) {
  if (!hub_) return;
  const auto report = make_report(stopped_as_clone);
  if (!report) return reports_.put({PutAnswer::Kind::kFailed, 0, report.error().message}, now());
  hub_->put_report(revision, codec::encode_report(*report));
}

void Uplink::claimed(bool go_on, const std::string& words) {
  std::error_code ignored;
  if (go_on) std::filesystem::remove(settings_.takeover_file(), ignored);
  forwarder_.claimed(go_on, words, now());
  touched();
}

void Uplink::taken_over(const std::string& words) {
  forwarder_.stop_as_clone(words);
  touched();
}

void Uplink::close_session(core::Error why) {
  boost::asio::post(io_, [this, generation = hub_generation_, why = std::move(why)] {
    if (generation != hub_generation_ || !hub_) return;
    end_session();
    forwarder_.session_closed(why, now());
    touched();
  });
}

void Uplink::end_session() {
  if (!hub_) return;
  const auto bytes = hub_->bytes();
  meter_.session_bytes(bytes.sent, bytes.received, environment_.clock.wall_ns());
  meter_.session_ended();
  reports_.end();
  ++hub_generation_;
  hub_.reset();
}

void Uplink::read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
                  std::size_t bytes) {
  boost::asio::post(io_, [=, this, generation = log_generation_] {
    if (generation != log_generation_ || !reader_) return;
    auto records = reader_->read_lane(lane, from, rows, bytes);
    if (records && (records->empty() || records->front().seq > from)) {
      // Trimmed meanwhile, or damaged: the log's own first seq tells which.
      if (const auto state = reader_->lane_state(lane); state)
        forwarder_.tail(lane, state->first, state->last, now());
    }
    forwarder_.rows(lane, ticket, std::move(records), now());
    touched();
  });
}

void Uplink::record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) {
  if (sluiced_) sluiced_->acks(lane, anchors);
}

void Uplink::rewind(core::Lane lane, core::Seq acked) {
  if (!sluiced_) return;
  environment_.logger.info(kComponent, "the hub lacks what it had acked: sending again",
                           {{"lane", std::string(core::lane_name(lane))},
                            {"from", std::to_string(acked + 1)},
                            {"to", std::to_string(forwarder_.lane(lane).last())}});
  sluiced_->rewind(lane, acked, [=, this, generation = log_generation_](core::Result<void> done) {
    if (generation != log_generation_) return;
    forwarder_.rewound(lane, static_cast<bool>(done), now());
    touched();
  });
}

void Uplink::set_aside(core::Lane lane, const storage::SetAside& range) {
  if (!sluiced_) return;
  environment_.logger.warning(kComponent,
                              "an event can never be sent: a gap record takes its place",
                              {{"lane", std::string(core::lane_name(lane))},
                               {"seq", std::to_string(range.from)},
                               {"reason", std::string(core::gap_reason_word(range.reason))}});
  sluiced_->set_aside(lane, range,
                      [=, this, generation = log_generation_](core::Result<void> done) {
                        if (generation != log_generation_) return;
                        forwarder_.set_aside_done(lane, range, static_cast<bool>(done), now());
                        touched();
                      });
}

void Uplink::alarm(std::string_view type, const std::string& words) {
  const auto last = alarmed_.find(type);
  if (last != alarmed_.end() && now() - last->second < kAlarmPause) return;
  alarmed_[std::string(type)] = now();
  environment_.logger.error(kComponent, words, {{"event", std::string(type)}});
  if (sluiced_) sluiced_->own_event("uplink", type, words);
}

core::Recorded Uplink::recorded() {
  const auto& clock = environment_.clock;
  return {clock.wall_ns(), clock.boot(), clock.monotonic_ns(), clock.trusted()};
}

std::uint64_t Uplink::random_below(std::uint64_t bound) {
  return environment_.random.below(bound);
}

// --- What the session hears ---------------------------------------------------------------------

void Uplink::hub_connected(std::size_t max_payload) {
  forwarder_.connected(max_payload, now());
  touched();
}

void Uplink::hub_failed(core::Error why) {
  end_session();
  forwarder_.connect_failed(std::move(why), now());
  touched();
}

void Uplink::hub_closed(core::Error why) {
  // What the server complained of says more than that it then hung up.
  if (!complaint_.empty()) why.message += "; " + complaint_;
  end_session();
  forwarder_.session_closed(std::move(why), now());
  touched();
}

void Uplink::hub_complains(core::Error why) {
  if (why.message != complaint_) environment_.logger.warning(kComponent, why.message);
  complaint_ = std::move(why.message);
  touched();
}

void Uplink::hub_info(core::Result<HubStream> answer) {
  forwarder_.hub_stream(std::move(answer), now());
  touched();
}

void Uplink::hub_anchor(core::Lane lane, core::Result<std::optional<StoredMessage>> answer) {
  forwarder_.anchor(lane, std::move(answer), now());
  touched();
}

void Uplink::hub_answer(core::Lane lane, std::uint64_t token, const PubAnswer& answer) {
  forwarder_.answer(lane, token, answer, now());
  touched();
}

void Uplink::hub_report(core::Result<std::optional<StoredReport>> answer) {
  reports_.got(std::move(answer), now());
  touched();
}

void Uplink::hub_report_put(const PutAnswer& answer) {
  reports_.put(answer, now());
  touched();
}

void Uplink::hub_need(const codec::Need& need) {
  forwarder_.need(need, now());
  touched();
}

// The attempts of days without a link are no news, and on a card each line wears the flash: a line
// when the link comes or goes, and another reason for its absence at most every ten minutes.
void Uplink::log_link() {
  constexpr Time kReasonEvery{10 * 60 * 1000};
  const bool is_trying = logged_ == Forwarder::Link::kWaiting ||
                         logged_ == Forwarder::Link::kConnecting ||
                         logged_ == Forwarder::Link::kOpening;
  const std::string_view word = is_trying ? "down" : link_word(logged_);
  const std::string why = logged_ == Forwarder::Link::kUp ? "" : forwarder_.last_error();
  const bool is_other = why != announced_why_ && now() >= announced_at_ + kReasonEvery;
  if (word == announced_ && !is_other && !(announced_why_.empty() && !why.empty())) return;
  announced_ = word;
  announced_why_ = why;
  announced_at_ = now();
  if (why.empty())
    environment_.logger.info(kComponent, "link " + announced_);
  else
    environment_.logger.info(kComponent, "link " + announced_, {{"why", why}});
}

// --- Time ---------------------------------------------------------------------------------------

void Uplink::touched() {
  if (stopping_) return;
  if (forwarder_.link() != logged_) {
    logged_ = forwarder_.link();
    log_link();
    reports_.changed();
    if (environment_.link_changed) environment_.link_changed();
  }
  auto due = forwarder_.deadline();
  const auto report_due = reports_.deadline();
  if (report_due && (!due || *report_due < *due)) due = report_due;
  if (due) {
    const auto at = std::chrono::steady_clock::now() + std::max(Time(1), *due - now());
    const bool armed = deadline_timer_.expiry() > std::chrono::steady_clock::now();
    if (!armed || at + Time(2) < deadline_timer_.expiry()) {
      deadline_timer_.expires_at(at);
      deadline_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) on_deadline();
      });
    }
  }
  if (std::exchange(housekeeping_armed_, true)) return;
  housekeeping_timer_.expires_after(kHousekeeping);
  housekeeping_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    housekeeping_armed_ = false;
    housekeeping();
  });
}

void Uplink::on_deadline() {
  forwarder_.tick(now());
  reports_.tick(now());
  touched();
}

void Uplink::housekeeping() {
  forwarder_.flush_acks();
  look_for_takeover();
  if (hub_) {
    const auto bytes = hub_->bytes();
    meter_.session_bytes(bytes.sent, bytes.received, environment_.clock.wall_ns());
  }
  bool moving = forwarder_.link() == Forwarder::Link::kStopped;
  for (auto lane : core::kLanes) {
    meter_.acked(lane, forwarder_.lane(lane).acked_events(), now());
    moving = moving || meter_.rate(lane) > 0;
  }
  auto status = link_status();
  const auto next_try_ms = std::exchange(status.next_try_ms, 0);
  const auto packed = pack_link_status(status);
  if (packed != told_status_ && sluiced_ && reader_) {
    told_status_ = packed;
    auto lasting = status;
    // These count the reports as well: each would be the reason for the next one.
    lasting.bytes_sent_today = lasting.bytes_received_today = 0;
    if (auto now_lasting = pack_link_status(lasting); now_lasting != lasting_status_) {
      lasting_status_ = std::move(now_lasting);
      reports_.changed();
    }
    status.next_try_ms = next_try_ms;
    sluiced_->status(pack_link_status(status));
  }
  if (moving) touched();
}

void Uplink::look_for_takeover() {
  if (forwarder_.link() != Forwarder::Link::kStopped) return;
  if (settings_.takeover || std::filesystem::exists(settings_.takeover_file())) {
    forwarder_.go_on(now());
    touched();
  }
}

LinkStatus Uplink::link_status() {
  LinkStatus out;
  out.state = link_word(forwarder_.link());
  meter_.state(out.state, environment_.clock.wall_ns());
  out.since_ns = meter_.since_ns();
  out.last_error = forwarder_.last_error();
  for (auto lane : core::kLanes) {
    const auto& of = forwarder_.lane(lane);
    if (out.last_error.empty()) out.last_error = of.last_refusal();
    out.lanes[core::index(lane)] = {of.acked(), of.sent(), meter_.rate(lane)};
  }
  if (out.last_error.empty()) out.last_error = complaint_;
  if (const auto next = forwarder_.next_try(); next)
    out.next_try_ms = std::max<std::int64_t>(1, (*next - now()).count());
  if (hub_) out.server = hub_->url();
  out.url = out.server.empty() ? settings_.login.urls[attempts_ % settings_.login.urls.size()]
                               : out.server;
  if (const auto at = out.url.rfind('@'); at != std::string::npos) out.url.erase(0, at + 1);
  out.bytes_sent_today = meter_.sent_today();
  out.bytes_received_today = meter_.received_today();
  out.hub_stream = core::hub_stream_name(settings_.shard);
  if (forwarder_.hub()) out.hub_created = forwarder_.hub()->created;
  if (forwarder_.link() == Forwarder::Link::kStopped) out.clone = forwarder_.last_error();
  out.report = reports_.failure();
  return out;
}

std::string Uplink::state_words() const {
  std::string out = "link " + std::string(link_word(forwarder_.link()));
  if (!forwarder_.last_error().empty()) out += ": " + forwarder_.last_error();
  return out;
}

}  // namespace sluice::sync
