// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "gateway/admission.hpp"
#include "gateway/io_queue.hpp"
#include "gateway/reader.hpp"
#include "gateway/settings.hpp"
#include "storage/event_log.hpp"

namespace sluice::gateway {

// Where all that the sessions want of the log goes through, on the I/O thread: appends wait here
// for their turn and go to the writer, and its answers come back. While there is no open log (a
// start that waits), appends are refused as `unavailable` and reads go on.
class LogDesk {
 public:
  using Answer = std::function<void(core::Result<std::vector<storage::Appended>>)>;
  using Done = std::function<void(core::Result<void>)>;
  // What is learnt of the hub: it has all of a lane up to `acked` (less than before after a
  // rewind), or a gap record will stand for a range.
  struct HubNews {
    std::function<void(core::Lane, core::Seq)> cursor;
    std::function<void(core::Lane, const storage::SetAside&)> set_aside;
  };

  LogDesk(const Settings& settings, IoQueue& queue);
  void open(std::unique_ptr<storage::EventLog> log);
  // Commits and answers what is queued; the answers are in the IoQueue afterwards.
  void stop();

  bool is_open() const { return log_ != nullptr; }
  storage::EventLog& log() { return *log_; }
  Reader& reader() { return reader_; }
  const Settings& settings() const { return settings_; }

  // True: it is on its way. False: it waits for its turn, and `started` is called when that has
  // come; hand in nothing more of this client until then. `queued` comes, before `answer`, when the
  // log has taken it: what can be refused without a look at the log was refused by then.
  bool append(storage::AppendRequest request, Answer answer, std::function<void()> started,
              std::function<void()> queued = {});
  core::Lane lane_of(const std::string& category) const;
  storage::AckMode ack_mode(const storage::AppendRequest& request) const;

  // For the uplink. The latter two are durable when `done` comes.
  void record_acks(core::Lane lane, std::vector<storage::Anchor> anchors);
  void rewind(core::Lane lane, core::Seq acked, Done done);
  void set_aside(core::Lane lane, storage::SetAside range, Done done);

  // Called on the I/O thread after commits, at most once per turn of its loop.
  void on_bell(std::function<void()> bell) { bells_.push_back(std::move(bell)); }
  void on_hub(HubNews news) { hub_news_ = std::move(news); }
  std::size_t waiting() const { return admission_.waiting(); }

 private:
  struct Work;
  void ring();
  void hand_in(const std::shared_ptr<Work>& work);
  void tell_where_the_hub_is();
  Done to_io(Done done);
  const Settings& settings_;
  IoQueue& queue_;
  Admission admission_;
  std::vector<std::function<void()>> bells_;
  HubNews hub_news_;
  std::atomic<bool> ringing_ = false;
  std::unique_ptr<storage::EventLog> log_;
  Reader reader_;  // before the log in destruction: it may be reading it
};

}  // namespace sluice::gateway
