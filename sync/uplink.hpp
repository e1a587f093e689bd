// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "storage/log_reader.hpp"
#include "sync/clock_book.hpp"
#include "sync/fork_evidence.hpp"
#include "sync/forwarder.hpp"
#include "sync/hub_session.hpp"
#include "sync/link_status.hpp"
#include "sync/live_values.hpp"
#include "sync/report_keeper.hpp"
#include "sync/sluiced_link.hpp"
#include "sync/uplink_settings.hpp"

namespace sluice::sync {

// The thin shell of sluice-uplink: carries what the Forwarder and the ReportKeeper ask for to the
// log's reader, to `sluiced` and to the hub, and their answers back. All on the io_context's
// thread.
class Uplink final : private SessionEffects, private ReportEffects, private HubListener {
 public:
  struct Environment {
    core::Clock& clock;
    core::Random& random;
    core::Logger& logger;
    std::string machine;
    std::function<void()> link_changed = {};  // state_words() says something new
  };
  Uplink(boost::asio::io_context& io, UplinkSettings settings, Environment environment);
  ~Uplink() override;
  void start();
  // Hands out what was acked, tells `status`, and closes both ends.
  void stop();
  std::string state_words() const;  // for systemd's STATUS=
  // What a service watchdog wants to know: grows while the link gets on; and nothing has to.
  std::uint64_t moves() const { return forwarder_.moves(); }
  bool rests() const { return forwarder_.rests(); }

 private:
  // Effects: what the machines ask for.
  void ask_anchor(core::Lane lane, const std::string& hub_stream,
                  const std::string& subject) override;
  void publish(core::Lane lane, std::uint64_t token, const Outgoing& message) override;
  void close_session(core::Error why) override;
  void read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
            std::size_t bytes) override;
  void record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) override;
  void rewind(core::Lane lane, core::Seq acked) override;
  void set_aside(core::Lane lane, const storage::SetAside& range) override;
  void alarm(std::string_view type, const std::string& words) override;
  void rewound_by_hub(core::Lane lane, const Rewind& rewind) override;
  void went_back(core::Lane lane, core::Seq seq, const std::string& words) override;
  core::Recorded recorded() override;
  std::int64_t clock_correction(const core::Recorded& recorded) override;
  std::uint64_t random_below(std::uint64_t bound) override;
  void connect() override;
  void ask_hub_stream() override;
  void claim() override;
  void ping() override;
  void get_report() override;
  void put_report(std::uint64_t revision, bool stopped_as_clone) override;
  void claimed(bool go_on, const std::string& words) override;
  void taken_over(const std::string& words) override;
  void give_way(const std::string& words) override;
  void others_published() override;
  void report_alarm(std::string_view type, const std::string& words) override;

  // HubListener: what the session hears.
  void hub_connected(std::size_t max_payload) override;
  void hub_failed(core::Error why) override;
  void hub_closed(core::Error why) override;
  void hub_complains(core::Error why) override;
  void hub_info(core::Result<HubStream> answer) override;
  void hub_anchor(core::Lane lane, core::Result<std::optional<StoredMessage>> answer) override;
  void hub_answer(core::Lane lane, std::uint64_t token, const PubAnswer& answer) override;
  void hub_report(core::Result<std::optional<StoredReport>> answer) override;
  void hub_report_put(const PutAnswer& answer) override;
  void hub_look() override;
  void hub_changed() override;
  void hub_need(const codec::Need& need) override;
  void hub_alive() override;

  // The log and `sluiced`.
  void open_sluiced();
  void sluiced_opened(core::Result<SluicedLink::Hello> hello);
  void sluiced_closed(const core::Error& why);
  core::Result<void> open_log(const SluicedLink::Hello& hello);
  core::Result<LaneLog> read_lane_log(core::Lane lane, core::Epoch epoch);
  void refresh_tails();
  void take_cursor_from_log();
  void bell();
  void note_epoch_start();
  void learn_clock();
  void look_at_clock();

  // Time.
  Time now() const;
  void touched();  // something happened: arm the timers anew
  void log_link();
  void on_deadline();
  void housekeeping();
  void look_for_takeover();
  void look_for_allowed_rewind();
  void arm_live();
  void publish_live();
  void flush_soon();
  std::string rewind_words() const;
  void end_session();
  bool holds_with(const codec::Report& report);
  void fork_seen(std::string_view kind, std::string_view lane, const std::string& words,
                 const std::string& to_do);
  core::Result<codec::Report> make_report(bool stopped_as_clone) const;
  LinkStatus link_status();

  boost::asio::io_context& io_;
  const UplinkSettings settings_;
  Environment environment_;
  Forwarder forwarder_;
  ReportKeeper reports_;
  ClockBook clock_book_;
  Time looked_at_clock_{0};
  LiveValues live_;
  std::unique_ptr<SluicedLink> sluiced_;
  std::uint64_t log_generation_ = 0;  // answers of an earlier opening are not for this one
  std::unique_ptr<storage::LogReader> reader_;
  core::Epoch epoch_;
  std::optional<core::Recorded> epoch_began_;
  std::unique_ptr<HubSession> hub_;
  std::uint64_t hub_generation_ = 0;
  std::size_t attempts_ = 0;

  boost::asio::steady_timer deadline_timer_;
  boost::asio::steady_timer housekeeping_timer_;
  boost::asio::steady_timer sluiced_timer_;
  boost::asio::steady_timer bell_timer_;
  boost::asio::steady_timer live_timer_;
  boost::asio::steady_timer flush_timer_;
  bool housekeeping_armed_ = false;
  bool bell_armed_ = false;
  bool live_armed_ = false;
  bool flush_armed_ = false;
  bool stopping_ = false;
  LinkMeter meter_;
  std::string told_status_;     // the last one sent to `sluiced`
  std::string lasting_status_;  // the same without what each report changes
  std::map<std::string, Time, std::less<>> alarmed_;
  std::string fork_told_;
  std::string complaint_;
  Forwarder::Link logged_ = Forwarder::Link::kNoLog;
  std::string announced_;  // the word, reason and time of the last line about the link
  std::string announced_why_;
  Time announced_at_{};
};

}  // namespace sluice::sync
