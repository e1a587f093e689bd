// SPDX-License-Identifier: Apache-2.0
#include "hub/api/rows.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "core/codec/json_data.hpp"
#include "core/json.hpp"
#include "core/write_token.hpp"
#include "hub/api/query_params.hpp"
#include "hub/api/row_json.hpp"
#include "hub/api/standing.hpp"
#include "hub/routes/task.hpp"
#include "hub/routes/turn_queue.hpp"

namespace sluice::hub {
namespace {

namespace json = core::json;
using core::Errc;
using core::fail;
using projection::QueryPage;
using projection::Reached;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string page_document(std::string_view model, std::string_view table, const QueryPage& page) {
  std::string out = R"({"model":)";
  codec::append_json_text(model, out);
  out += R"(,"table":)";
  codec::append_json_text(table, out);
  out += R"(,"rows":)";
  append_rows(page.columns, page.rows, out);
  out += R"(,"next":)";
  if (page.next_cursor.empty())
    out += "null";
  else
    codec::append_json_text(page.next_cursor, out);
  if (page.count) out += R"(,"count":)" + std::to_string(*page.count);
  out += '}';
  return out;
}

std::string_view state_word(Reached::State state) {
  switch (state) {
    case Reached::State::kNotYet:
      return "not_yet";
    case Reached::State::kApplied:
      return "applied";
    case Reached::State::kParked:
      return "parked";
    case Reached::State::kGivenUp:
      return "given_up";
    case Reached::State::kBeforeStart:
      return "before_start";
    case Reached::State::kLost:
      return "lost";
  }
  return "not_yet";
}

std::string text_of(const core::Identity& event) {
  return core::write_token(event.gateway, event.epoch, event.lane, event.seq);
}

std::string why_not(const core::Identity& event, const Reached& reached) {
  const std::string lane(core::lane_name(event.lane));
  if (reached.state == Reached::State::kLost)
    return "it will not come: the gateway went on in another epoch without it (its log lost its "
           "tail, or an old copy of it runs), behind seq " +
           std::to_string(reached.next == 0 ? 0 : reached.next - 1) + " of lane " + lane;
  if (reached.next == 0) return "nothing of that epoch's lane " + lane + " has been applied yet";
  return "lane " + lane + " has been applied up to seq " + std::to_string(reached.next - 1);
}

// The model does not have what was asked for: which, and how far it is.
http::Response not_there(const std::string& model, const RowsRequest& request,
                         const QueryPage& page) {
  json::array list;
  std::string words;
  bool is_lost = false;
  for (std::size_t i = 0; i < page.after.size(); ++i) {
    const Reached& reached = page.after[i];
    list.push_back(json::object{{"token", text_of(request.after[i])},
                                {"state", state_word(reached.state)},
                                {"next", reached.next}});
    if (reached.is_reached()) continue;
    const bool lost = reached.state == Reached::State::kLost;
    if (words.empty() || (lost && !is_lost))
      words = "model " + model + " does not have " + text_of(request.after[i]) +
              (lost ? ": " : " after " + std::to_string(request.wait.count()) + " ms: ") +
              why_not(request.after[i], reached);
    is_lost |= lost;
  }
  json::object document =
      core::error_document(fail(is_lost ? Errc::kNotFound : Errc::kUnavailable, words, "after"));
  document["after"] = std::move(list);
  http::Response response = json_response(core::to_json(document));
  response.status = is_lost ? 409 : 504;
  return response;
}

constexpr milliseconds kLook{500};

// How many requests wait; shared by all of them.
using Waiting = std::shared_ptr<std::atomic<int>>;

// Who has ended its side of the connection for as long is taken for gone.
constexpr milliseconds kGone{100};

// One request on its way to an answer: each step reads the model once, and the bell of its commits
// brings the next.
class RowsTask final : public Task, public TurnQueue::Waiter {
 public:
  RowsTask(const RowsApi& parts, Waiting waiting, std::shared_ptr<TurnQueue> queue, Worker worker,
           http::Request request, http::Respond respond)
      : Task(std::move(worker)),
        parts_(parts),
        waiting_(std::move(waiting)),
        queue_(std::move(queue)),
        request_(std::move(request)),
        respond_(std::move(respond)),
        rows_(parse_query_params(request_.parameter("table"), request_.query)),
        came_(steady_clock::now()) {}

  void begin(const std::shared_ptr<RowsTask>& self) {
    if (queue_->enter(self)) return wake();
    answer_with(http::error_response(
        fail(Errc::kBusy, "too many queries wait for their turn; ask again later")));
  }

 private:
  bool still_waits() override {
    const std::lock_guard lock(mutex_);
    if (!respond_ || at_work_) return false;
    const auto now = steady_clock::now();
    if (request_.gone && *request_.gone && now - came_ >= kGone) {
      answer_with(http::error_response(fail(Errc::kBusy, "the client has gone")));
      return false;
    }
    if (now < over_at()) return true;
    answer_with(too_late());
    return false;
  }

  void step() override {
    queue_->leave(*this);
    {
      const std::lock_guard lock(mutex_);
      if (!respond_) return;
      at_work_ = true;
    }
    auto response = attempt();
    const std::lock_guard lock(mutex_);
    at_work_ = false;
    if (response) answer_with(std::move(*response));
  }

  void answer_with(http::Response response) {
    listening_.reset();
    if (std::exchange(is_waiting_, false)) --*waiting_;
    std::exchange(respond_, {})(std::move(response));
  }

  // The time that it may take, its turn in the queue and the wait for its writes with it.
  steady_clock::time_point over_at() const {
    return rows_ ? came_ + rows_->wait + rows_->deadline : came_ + kDeadlineMax;
  }
  http::Response too_late() const {
    const auto ms = rows_ ? rows_->deadline.count() : kDeadlineMax.count();
    return http::error_response(
        fail(Errc::kLimit, "had no turn within " + std::to_string(ms) +
                               " ms: other queries are slow or many; ask again later"));
  }

  // nullopt: not yet.
  std::optional<http::Response> attempt() {
    const auto version = parts_.models.serving(request_.parameter("model"));
    if (!version) return http::error_response(parts_.models.missing(request_.parameter("model")));
    if (!rows_) return http::error_response(rows_.error());
    const auto left = std::chrono::ceil<milliseconds>(over_at() - steady_clock::now());
    if (left.count() <= 0) return too_late();
    // Listened before it is read, so that no commit in between is missed; of this version alone.
    if (!rows_->after.empty())
      listening_ = version->changes().listen([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
      });
    if (const auto known = request_.header("if-none-match"))
      rows_->unless = [known, &version](std::uint64_t state) {
        return names_tag(*known, entity_tag(*version, state));
      };
    const auto page = version->run(*rows_, std::min(left, rows_->deadline));
    if (!page && page.error().code == Errc::kLimit && steady_clock::now() >= over_at())
      return http::error_response(
          fail(Errc::kLimit, "the query, with its turn among others, took longer than " +
                                 std::to_string(rows_->deadline.count()) +
                                 " ms: narrow it, or ask again later"));
    if (!page) return http::error_response(page.error());
    const std::string tag = entity_tag(*version, page->state);
    if (page->is_known) return not_modified(tag);
    if (page->is_reached()) return answer(*version, *page, tag);
    for (const Reached& reached : page->after)
      if (reached.state == Reached::State::kLost) return not_there(version->name(), *rows_, *page);
    if (steady_clock::now() >= wait_end()) return not_there(version->name(), *rows_, *page);
    return wait();
  }

  steady_clock::time_point wait_end() const { return came_ + rows_->wait; }

  std::optional<http::Response> wait() {
    if (is_ending())
      return http::error_response(fail(Errc::kUnavailable, "the hub ends; ask again", "after"));
    if (!is_waiting_ && waiting_->fetch_add(1) >= RowsApi::kWaitingMax) {
      --*waiting_;
      return http::error_response(
          fail(Errc::kBusy, "too many requests wait for their writes; ask again later", "after"));
    }
    is_waiting_ = true;
    const auto now = steady_clock::now();
    if (look_at_ > now) return std::nullopt;
    // The bell tells of this program's commits; a look now and then sees those of others that work
    // on the same database, and the program's end.
    const auto left = std::chrono::ceil<milliseconds>(wait_end() - now);
    const milliseconds pause = std::clamp(left, milliseconds(1), kLook);
    look_at_ = now + pause;
    wake_in(pause);
    return std::nullopt;
  }

  static http::Response not_modified(const std::string& tag) {
    http::Response response;
    response.status = 304;
    response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
    return response;
  }

  http::Response answer(const ModelVersion& version, const QueryPage& page,
                        const std::string& tag) const {
    http::Response response = json_response(page_document(version.name(), rows_->table, page));
    response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
    add_standing(version, page, parts_.clock, response);
    std::string after;
    for (const Reached& reached : page.after)
      after += (after.empty() ? "" : ", ") + std::string(state_word(reached.state));
    if (!after.empty()) response.headers.emplace_back("Sluice-After", after);
    return response;
  }

  const RowsApi parts_;
  const Waiting waiting_;
  const std::shared_ptr<TurnQueue> queue_;
  const http::Request request_;
  std::mutex mutex_;  // of respond_ and at_work_
  http::Respond respond_;
  bool at_work_ = false;
  core::Result<RowsRequest> rows_;
  const steady_clock::time_point came_;
  steady_clock::time_point look_at_;  // when a timer comes; past: none is set
  std::shared_ptr<void> listening_;
  bool is_waiting_ = false;
};

}  // namespace

void add_rows_api(Routes& routes, const RowsApi& parts) {
  const auto waiting = std::make_shared<std::atomic<int>>(0);
  const auto queue = std::make_shared<TurnQueue>(routes.worker(), RowsApi::kQueuedMax);
  routes.direct("GET", "/v1/models/{model}/{table}",
                [parts, waiting, queue, worker = routes.worker()](http::Request request,
                                                                  http::Respond respond) {
                  const auto task = std::make_shared<RowsTask>(
                      parts, waiting, queue, worker, std::move(request), std::move(respond));
                  task->begin(task);
                });
}

}  // namespace sluice::hub
