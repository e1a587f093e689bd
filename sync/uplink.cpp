// SPDX-License-Identifier: Apache-2.0
#include "sync/uplink.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "sync/nats/time_floor.hpp"

namespace sluice::sync {

namespace {

constexpr std::string_view kComponent = "uplink";
constexpr Time kAlarmPause{600'000};  // between two events of one type
constexpr Time kClockLook{1'000};

}  // namespace

Uplink::Uplink(boost::asio::io_context& io, UplinkSettings settings, Environment environment)
    : io_(io),
      settings_(std::move(settings)),
      environment_(std::move(environment)),
      forwarder_({settings_.id, settings_.shard}, settings_.forwarder(), *this),
      reports_({environment_.machine, settings_.report_interval, settings_.report_change_interval},
               *this),
      live_(settings_.live),
      attempts_(environment_.random.below(1024)),
      deadline_timer_(io),
      housekeeping_timer_(io),
      sluiced_timer_(io),
      bell_timer_(io),
      live_timer_(io),
      flush_timer_(io) {}

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
  for (auto* timer : {&deadline_timer_, &housekeeping_timer_, &sluiced_timer_, &bell_timer_,
                      &live_timer_, &flush_timer_})
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
  look_at_clock();
  if (!environment_.clock.trusted())
    options.connection.time_floor_ns = std::max(nats::built_at_ns(), clock_book_.newest_ns());
  // Each attempt begins with another server, so that one that hangs does not hide the next.
  options.connection.first_server = attempts_++;
  complaint_.clear();
  take_cursor_from_log();
  HubListener& listener = *this;
  hub_ = std::make_unique<HubSession>(io_, std::move(options), listener);
  ++hub_generation_;
}

void Uplink::ask_hub_stream() {
  if (hub_) hub_->ask_stream();
}

void Uplink::claim() {
  const bool told = settings_.takeover || std::filesystem::exists(settings_.takeover_file());
  reports_.begin(told, now());
}

void Uplink::ask_anchor(core::Lane lane, const std::string& hub_stream,
                        const std::string& subject) {
  if (hub_) hub_->ask_anchor(lane, hub_stream, subject);
}

void Uplink::publish(core::Lane lane, std::uint64_t token, const Outgoing& message) {
  if (hub_) hub_->publish(lane, token, message);
}

void Uplink::ping() {
  if (hub_) hub_->ping();
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

void Uplink::give_way(const std::string& words) {
  close_session(core::fail(core::Errc::kUnavailable, words));
}

void Uplink::others_published() {
  forwarder_.others_published();
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

// The same words once: they would come with each session until the report is written anew.
void Uplink::fork_seen(std::string_view kind, std::string_view lane, const std::string& words,
                       const std::string& to_do) {
  if (!sluiced_ || std::exchange(fork_told_, words) == words) return;
  environment_.logger.error(kComponent, words, {{"event", "ForkSeen"}});
  rpc::Packer data;
  data.map(lane.empty() ? 3 : 4).text("kind").text(kind);
  if (!lane.empty()) data.text("lane").text(lane);
  data.text("words").text(words).text("do").text(to_do);
  sluiced_->own_event_of("fork", "ForkSeen", data.take());
}

void Uplink::report_alarm(std::string_view type, const std::string& words) {
  alarm(type, words);
  fork_seen("clone", {}, words,
            "Decide which machine goes on: there, sluice-uplink --takeover. Give the other one a "
            "name of its own: sluice clone-prepare, then a new [gateway] id.");
}

void Uplink::rewound_by_hub(core::Lane lane, const Rewind& rewind) {
  const std::string name(core::lane_name(lane));
  environment_.logger.warning(kComponent, "the hub lacks what it had acknowledged: sending again",
                              {{"lane", name},
                               {"from", std::to_string(rewind.from)},
                               {"to", std::to_string(rewind.to)},
                               {"events", std::to_string(rewind.events)},
                               {"bytes", std::to_string(rewind.bytes)},
                               {"why", rewind.why}});
  if (!sluiced_) return;
  rpc::Packer data;
  data.map(5).text("from").unsigned_integer(rewind.from).text("to").unsigned_integer(rewind.to);
  data.text("events").unsigned_integer(rewind.events).text("bytes").unsigned_integer(rewind.bytes);
  data.text("why").text(rewind.why);
  sluiced_->own_event_of(core::lane_stream(lane).entity, "HubRewound", data.take());
}

void Uplink::went_back(core::Lane lane, core::Seq seq, const std::string& words) {
  environment_.logger.error(kComponent, words, {{"lane", std::string(core::lane_name(lane))}});
  if (sluiced_) sluiced_->went_back(lane, seq, words);
}

std::int64_t Uplink::clock_correction(const core::Recorded& recorded) {
  if (recorded.trusted) return 0;
  if (now() - looked_at_clock_ >= kClockLook) look_at_clock();
  return clock_book_.correction(recorded);
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
  flush_soon();
  touched();
}

void Uplink::hub_alive() {
  forwarder_.alive(now());
  touched();
}

void Uplink::hub_report(core::Result<std::optional<StoredReport>> answer) {
  if (answer && *answer && !holds_with((*answer)->report)) return;
  reports_.got(std::move(answer), now());
  touched();
}

// What was reported of this gateway, against its log. False: the log went back, and the session
// ends.
bool Uplink::holds_with(const codec::Report& report) {
  std::array<LaneView, core::kLaneCount> log;
  for (auto lane : core::kLanes) {
    const auto& of = forwarder_.lane(lane);
    log[core::index(lane)] = {&of.history(), of.last()};
  }
  const auto fork = fork_in_report(report, log);
  if (!fork) return true;
  const std::string words = fork_words(*fork);
  if (fork->kind != ForkEvidence::Kind::kWentBack) {
    fork_seen(fork_kind(*fork), core::lane_name(fork->lane), words, fork_to_do(*fork));
    return true;
  }
  if (report.machine != environment_.machine) return true;  // a clone: that is found by its machine
  went_back(fork->lane, fork->reported, words);
  close_session(core::fail(core::Errc::kUnavailable, words));
  return false;
}

void Uplink::hub_report_put(const PutAnswer& answer) {
  reports_.put(answer, now());
  touched();
}

void Uplink::hub_look() {
  reports_.look(now());
  touched();
}

void Uplink::hub_changed() {
  environment_.logger.info(kComponent, "sluice-hub says that the hub stream changed: looking");
  forwarder_.hub_changed(now());
  touched();
}

void Uplink::hub_need(const codec::Need& need) {
  forwarder_.need(need, now());
  touched();
}

}  // namespace sluice::sync
