// SPDX-License-Identifier: Apache-2.0
#include "cli/plugtest_run.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/gateway.hpp"
#include "cli/line_socket.hpp"
#include "cli/plugtest_record.hpp"
#include "core/clock.hpp"
#include "core/random.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kPatienceNs = 60 * kSecondNs;  // with a gateway that takes nothing
constexpr std::uint64_t kPerAppendMax = 100;
constexpr std::uint64_t kUnconfirmedMax = 1'000;

class Load {
 public:
  Load(Output& output, const std::string& gateway, const PlugtestLoad& load, LineSocket collector)
      : output_(output), gateway_(gateway), load_(load), collector_(std::move(collector)) {}

  Result<std::uint64_t> run() {
    SLUICE_TRY(begin());
    Progress progress(output_, "plugtest", "events",
                      load_.time.count() > 0 ? load_.rate * seconds(load_.time) : 0);
    started_ns_ = accepted_ns_ = clock_.monotonic_ns();
    while (!over()) {
      SLUICE_TRY(take_confirmations(pause()));
      if (sent_ - confirmed_ > kUnconfirmedMax) continue;
      SLUICE_TRY(append_what_is_due());
      progress.advance_to(noted_);
    }
    while (confirmed_ < sent_) SLUICE_TRY(take_confirmations(milliseconds(1'000)));
    return noted_;
  }

 private:
  static std::uint64_t seconds(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(time).count());
  }
  std::uint64_t age_ns() const { return clock_.monotonic_ns() - started_ns_; }
  bool over() const {
    return load_.time.count() > 0 && age_ns() >= static_cast<std::uint64_t>(load_.time.count());
  }

  // Connects once before anything is promised, and tells the collector of the round.
  Result<void> begin() {
    SLUICE_TRY(connect());
    const auto status = client_->call("status", rpc::Packer().array(0).str());
    if (!status) return status.error();
    round_.gateway = rpc::Value::trusted(*status).find("gateway").text().value_or("");
    round_.name = core::draw_epoch(random_).text().substr(0, 8);
    round_.stream = load_.category + "/" + round_.name;
    return note(round_line(round_));
  }

  Result<void> connect() {
    auto client = connect_gateway(gateway_);
    if (!client) return client.error();
    client_.emplace(std::move(*client));
    return {};
  }

  // Until the next event is due.
  milliseconds pause() const {
    const std::uint64_t due_ns = (next_n_ - 1) * kSecondNs / load_.rate;
    const std::uint64_t at = std::max(due_ns, retry_at_ns_);
    return milliseconds(at <= age_ns() ? 0 : (at - age_ns()) / 1'000'000 + 1);
  }

  Result<void> append_what_is_due() {
    if (age_ns() < retry_at_ns_) return {};
    const std::uint64_t due = age_ns() * load_.rate / kSecondNs + 1;
    if (open_.empty())
      for (; next_n_ <= due && open_.size() < kPerAppendMax; ++next_n_)
        open_.push_back({round_.name, next_n_, ids_.next(clock_.wall_ns()), {}, {}, 0});
    if (open_.empty()) return {};
    if (!client_ && !connect()) return wait_and_see(fail(Errc::kUnavailable, "nobody answers"));
    const auto answer = client_->call("append", params());
    if (!answer) {
      client_.reset();
      return wait_and_see(answer.error());
    }
    accepted_ns_ = clock_.monotonic_ns();
    return note_all(*answer);
  }

  Result<void> wait_and_see(const core::Error& error) {
    if (error.code == Errc::kBadRequest) return error;
    if (clock_.monotonic_ns() - accepted_ns_ > kPatienceNs)
      return fail(Errc::kUnavailable,
                  "the gateway has taken nothing for a minute: " + core::to_string(error));
    retry_at_ns_ = age_ns() + kSecondNs / 2;
    return {};
  }

  std::string params() const {
    rpc::Packer out;
    out.array(1).array(open_.size());
    for (const Note& event : open_) {
      out.map(4).text("stream").text(round_.stream).text("type").text("PlugtestNoted");
      out.text("id").text(event.id.text()).text("data").map(2);
      out.text("n").unsigned_integer(event.n).text("pad").text(std::string(load_.bytes, '.'));
    }
    return out.take();
  }

  Result<void> note_all(std::string_view answer) {
    const rpc::Value list = rpc::Value::trusted(answer);
    std::string lines;
    for (std::uint32_t i = 0; i < open_.size(); ++i) {
      const rpc::Value at = list.at(i);
      const auto lane = core::parse_lane(at.find("lane").text().value_or(""));
      const auto epoch = core::Epoch::parse(at.find("epoch").text().value_or(""));
      if (!lane || !epoch) return fail(Errc::kCorrupt, "the answer to append has another form");
      if (at.find("durable").boolean() == false)
        return fail(Errc::kBadRequest, "category " + load_.category +
                                           " lies in a lane with ack = memory, which "
                                           "promises nothing: choose another with --category");
      open_[i].lane = *lane;
      open_[i].epoch = *epoch;
      open_[i].seq = at.find("seq").unsigned_integer().value_or(0);
      lines += note_line(open_[i]);
    }
    noted_ += open_.size();
    open_.clear();
    return note(lines);
  }

  Result<void> note(const std::string& lines) {
    sent_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return collector_.send(lines);
  }

  Result<void> take_confirmations(milliseconds wait) {
    const auto lines = collector_.receive(wait);
    if (!lines) return fail(Errc::kUnavailable, "the collector is gone: " + lines.error().message);
    for (const std::string& line : *lines) {
      if (!line.starts_with("ok ")) return fail(Errc::kIo, "the collector says: " + line);
      std::from_chars(line.data() + 3, line.data() + line.size(), confirmed_);
    }
    return {};
  }

  Output& output_;
  const std::string& gateway_;
  const PlugtestLoad& load_;
  LineSocket collector_;
  core::SystemClock clock_;
  core::SystemRandom random_;
  core::UuidV7 ids_{random_};
  std::optional<rpc::BlockingClient> client_;
  Round round_;
  std::vector<Note> open_;  // sent, or to be sent, and not answered
  std::uint64_t next_n_ = 1;
  std::uint64_t started_ns_ = 0;
  std::uint64_t accepted_ns_ = 0;
  std::uint64_t retry_at_ns_ = 0;  // after the start
  std::uint64_t noted_ = 0;
  std::uint64_t sent_ = 0;       // lines to the collector
  std::uint64_t confirmed_ = 0;  // of these, synced there
};

}  // namespace

Result<std::uint64_t> run_load(Output& output, const std::string& gateway,
                               const PlugtestLoad& load) {
  auto collector = LineSocket::connect(load.collector, milliseconds(10'000));
  if (!collector) return collector.error();
  return Load(output, gateway, load, std::move(*collector)).run();
}

}  // namespace sluice::cli
