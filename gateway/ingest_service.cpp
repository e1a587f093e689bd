// SPDX-License-Identifier: Apache-2.0
#include "gateway/ingest_service.hpp"

#include <set>

#include "core/text.hpp"
#include "gateway/answers.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;

constexpr std::uint64_t kReadLimit = 100;

struct ReadOptions {
  std::optional<core::StreamName> stream;
  std::optional<core::Lane> lane;
  std::optional<std::uint64_t> from;
  std::uint64_t limit = kReadLimit;
};

core::Result<void> set_option(ReadOptions& options, std::string_view name,
                              const rpc::Value& value) {
  const auto number = value.unsigned_integer();
  const auto text = value.text();
  const auto named = [&](core::Error error) {
    error.field = name;
    return error;
  };
  if (name == "stream" && text) {
    auto stream = core::StreamName::parse(*text);
    if (!stream) return named(stream.error());
    options.stream = std::move(*stream);
  } else if (name == "lane" && text) {
    const auto lane = core::parse_lane(*text);
    if (!lane) return named(lane.error());
    options.lane = *lane;
  } else if (name == "from" && number) {
    options.from = *number;
  } else if (name == "limit" && number && *number >= 1) {
    options.limit = std::min<std::uint64_t>(*number, core::limits::kReaderRows);
  } else {
    return fail(Errc::kBadRequest, "stream and lane are text, from and limit are positive numbers",
                core::printable(name));
  }
  return {};
}

// One map of options, each once, and only those that the method knows.
core::Result<ReadOptions> parse_options(const rpc::Value& params,
                                        const std::set<std::string_view>& known) {
  ReadOptions options;
  if (params.size() == 0) return options;
  if (params.size() > 1 || params.at(0).kind() != rpc::Value::Kind::kMap)
    return fail(Errc::kBadRequest, "this method takes one map");
  std::set<std::string_view> seen;
  for (rpc::Items items(params.at(0)); items.left() > 0;) {
    const auto name = items.next().text().value_or("");
    const rpc::Value value = items.next();
    if (!known.contains(name) || !seen.insert(name).second)
      return fail(Errc::kBadRequest, "an option is unknown or given twice", core::printable(name));
    SLUICE_TRY(set_option(options, name, value));
  }
  return options;
}

}  // namespace

IngestService::IngestService(AckDesk& acks, std::function<std::string()> status)
    : acks_(acks),
      desk_(acks.log_desk()),
      status_(std::move(status)),
      limits_{.data_bytes = acks.settings().log.event_bytes_max} {
  desk_.on_bell([this] {
    for (const auto& [session, follower] : followers_) follower->pump();
  });
}

void IngestService::on_request(const SessionPtr& session, std::uint32_t id, std::string_view method,
                               rpc::Value params) {
  if (method == "append") return append(session, id, params);
  if (method == "read") return read(session, id, params);
  if (method == "follow") return follow(session, id, params);
  if (method == "status") return session->answer(id, status_());
  session->answer(id, fail(Errc::kUnsupported, "there is no method '" + core::printable(method) +
                                                   "', only append, read, follow, status"));
}

void IngestService::append(const SessionPtr& session, std::uint32_t id, rpc::Value params) {
  auto request = request_from_params(params, limits_);
  if (!request) return session->answer(id, request.error());
  auto streams = streams_of(*request);
  const bool taken = acks_.append(
      std::move(*request),
      [this, session, id, streams = std::move(streams)](core::Result<Receipt> result) mutable {
        if (!result) return session->answer(id, result.error());
        session->answer(id,
                        pack_appended({desk_.settings().id->text(), std::move(streams)}, *result));
      },
      [session] { session->hold(false); });
  if (!taken) session->hold(true);
}

void IngestService::read(const SessionPtr& session, std::uint32_t id, rpc::Value params) {
  const auto options = parse_options(params, {"stream", "lane", "from", "limit"});
  if (!options) return session->answer(id, options.error());
  if (options->stream.has_value() == options->lane.has_value())
    return session->answer(id, fail(Errc::kBadRequest, "read takes either a stream or a lane"));
  const std::uint64_t from = std::max<std::uint64_t>(options->from.value_or(1), 1);
  const auto answer = [session, id](core::Result<Page> page) {
    if (!page) return session->answer(id, page.error());
    session->answer(id, pack_page(*page));
  };
  if (options->lane) return desk_.reader().lane(*options->lane, from, options->limit, answer);
  desk_.reader().stream(*options->stream, from, options->limit, answer);
}

void IngestService::follow(const SessionPtr& session, std::uint32_t id, rpc::Value params) {
  const auto options = parse_options(params, {"lane", "from"});
  if (!options) return session->answer(id, options.error());
  if (!desk_.is_open())
    return session->answer(id, fail(Errc::kUnavailable, "the log is not open yet"));
  if (followers_.contains(session.get()))
    return session->answer(id, fail(Errc::kBadRequest, "this connection follows already"));
  const auto follower =
      std::make_shared<Follower>(desk_, session, options->lane, options->from.value_or(0));
  followers_.emplace(session.get(), follower);
  session->answer(id, rpc::Packer().nil().take());
  follower->pump();
}

void IngestService::on_room(const SessionPtr& session) {
  const auto found = followers_.find(session.get());
  if (found != followers_.end()) found->second->pump();
}

void IngestService::on_close(const SessionPtr& session) {
  followers_.erase(session.get());
}

}  // namespace sluice::gateway
