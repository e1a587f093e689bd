// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_append.hpp"

#include "core/text.hpp"
#include "gateway/answers.hpp"
#include "gateway/event_input.hpp"
#include "gateway/json_skim.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;
using http::Respond;
using http::Response;
using Outcome = core::Result<Receipt>;

enum class Form { kOne, kArray, kLines };

// The events of one request on their way through the log, each for itself.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(AckDesk& desk, std::string body, Form form, Respond respond)
      : desk_(desk), body_(std::move(body)), form_(form), respond_(std::move(respond)) {}

  const std::string& body() const { return body_; }
  void start(std::vector<std::string_view> texts) {
    texts_ = std::move(texts);
    answers_.resize(texts_.size());
    pump();
  }

 private:
  // Hands in one event after the other; when one has to wait for its turn, so do those behind it.
  void pump() {
    while (next_ < texts_.size()) {
      const std::size_t index = next_++;
      auto event =
          event_from_json(texts_[index], {.data_bytes = desk_.settings().log.event_bytes_max});
      if (!event) {
        take(index, {}, event.error());
        continue;
      }
      storage::AppendRequest request;
      std::string stream = event->stream.text();
      request.events.push_back(std::move(*event));
      const bool taken = desk_.append(
          std::move(request),
          [self = shared_from_this(), index, stream = std::move(stream)](Outcome result) {
            self->take(index, stream, std::move(result));
          },
          [self = shared_from_this()] { self->pump(); });
      if (!taken) return;
    }
    finish_if_done();
  }

  void take(std::size_t index, const std::string& stream, Outcome result) {
    if (result) {
      answers_[index] =
          json_appended(desk_.settings().id->text(), stream, result->ack, result->events.front());
    } else {
      answers_[index] = core::error_document(result.error());
      failed_ = true;
      if (form_ == Form::kOne) error_ = result.error();
    }
    ++done_;
    if (next_ == texts_.size()) finish_if_done();
  }

  void finish_if_done() {
    if (done_ < texts_.size() || !respond_) return;
    const Respond respond = std::exchange(respond_, {});
    if (error_) return respond(http::error_response(*error_));
    Response response;
    response.status = failed_ ? 207 : 200;  // some were refused: look at each
    if (form_ == Form::kLines) {
      response.content_type = "application/x-ndjson";
      for (auto& answer : answers_) response.body += core::to_json(std::move(answer)) + "\n";
    } else if (form_ == Form::kArray) {
      core::json::array list(answers_.begin(), answers_.end());
      response.body = core::to_json(std::move(list)) + "\n";
    } else {
      response.body = core::to_json(std::move(answers_.front())) + "\n";
    }
    respond(std::move(response));
  }

  AckDesk& desk_;
  const std::string body_;
  const Form form_;
  Respond respond_;
  std::vector<std::string_view> texts_;  // into body_
  std::vector<core::json::object> answers_;
  std::optional<core::Error> error_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  bool failed_ = false;
};

core::Result<std::vector<std::string_view>> lines_of(std::string_view body) {
  std::vector<std::string_view> lines;
  for (std::string_view line : core::split(body, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (json_first(line) == '\0') continue;
    if (lines.size() == kHttpEventsMax)
      return fail(Errc::kTooLarge,
                  "more than " + std::to_string(kHttpEventsMax) + " events at once");
    lines.push_back(line);
  }
  return lines;
}

core::Result<std::vector<std::string_view>> texts_of(std::string_view body, Form form) {
  if (form == Form::kLines) return lines_of(body);
  if (form == Form::kArray) return json_elements(body, kHttpEventsMax);
  return std::vector<std::string_view>{body};
}

void append_atomically(AckDesk& desk, const std::vector<std::string_view>& texts,
                       const Respond& respond) {
  storage::AppendRequest request;
  for (const std::string_view text : texts) {
    auto event = event_from_json(text, {.data_bytes = desk.settings().log.event_bytes_max});
    if (!event) {
      core::Error error = event.error();
      error.message = "event " + std::to_string(request.events.size()) + ": " + error.message;
      return respond(http::error_response(error));
    }
    request.events.push_back(std::move(*event));
  }
  auto streams = streams_of(request);
  desk.append(
      std::move(request),
      [&desk, respond, streams = std::move(streams)](Outcome result) {
        if (!result) return respond(http::error_response(result.error()));
        core::json::array list;
        for (std::size_t i = 0; i < streams.size(); ++i)
          list.push_back(json_appended(desk.settings().id->text(), streams[i], result->ack,
                                       result->events[i]));
        respond({.body = core::to_json(std::move(list)) + "\n"});
      },
      [] {});
}

core::Result<bool> wants_atomic(const http::Request& request) {
  bool atomic = false;
  for (const auto& [name, value] : request.query) {
    if (name != "atomic" || (value != "true" && value != "false"))
      return fail(Errc::kBadRequest, "only atomic=true or atomic=false is known",
                  core::printable(name));
    atomic = value == "true";
  }
  return atomic;
}

}  // namespace

void append_events(AckDesk& desk, http::Request request, Respond respond) {
  const bool lines = request.content_type == "application/x-ndjson";
  if (!lines && request.content_type != "application/json") {
    Response response = http::error_response(
        fail(Errc::kBadRequest, "Content-Type must be application/json or application/x-ndjson",
             "content-type"));
    response.status = 415;
    return respond(std::move(response));
  }
  const auto atomic = wants_atomic(request);
  if (!atomic) return respond(http::error_response(atomic.error()));
  const Form form = lines                             ? Form::kLines
                    : json_first(request.body) == '[' ? Form::kArray
                                                      : Form::kOne;
  const auto batch = std::make_shared<Batch>(desk, std::move(request.body), form, respond);
  const auto texts = texts_of(batch->body(), form);
  if (!texts) return respond(http::error_response(texts.error()));
  if (texts->empty())
    return respond(http::error_response(fail(Errc::kBadRequest, "there is no event in the body")));
  if (*atomic) return append_atomically(desk, *texts, respond);
  batch->start(*texts);
}

}  // namespace sluice::gateway
