// SPDX-License-Identifier: Apache-2.0
#include "cli/event_source.hpp"

#include <algorithm>

#include "cli/gateway.hpp"
#include "core/codec/event_codec.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"
#include "storage/log_reader.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using core::Seq;
using rpc::Value;

class GatewaySource final : public EventSource {
 public:
  explicit GatewaySource(rpc::BlockingClient client) : client_(std::move(client)) {}

  Result<Page> stream(const core::StreamName& name, std::uint64_t from,
                      std::size_t limit) override {
    rpc::Packer params;
    params.array(1).map(3).text("stream").text(name.text());
    return read(params, from, limit);
  }
  Result<Page> lane(Lane lane, Seq from, std::size_t limit) override {
    rpc::Packer params;
    params.array(1).map(3).text("lane").text(core::lane_name(lane));
    return read(params, from, limit);
  }
  Result<Bounds> bounds(Lane lane) override {
    const auto answer = client_.call("status", rpc::Packer().array(0).str());
    if (!answer) return answer.error();
    const auto status = Value::parse(*answer);
    if (!status) return status.error();
    const Value state = status->find("lanes").find(core::lane_name(lane));
    const auto first = state.find("first").unsigned_integer();
    const auto last = state.find("last").unsigned_integer();
    if (!first || !last)
      return fail(Errc::kUnavailable,
                  "the gateway has not opened its log yet; it does so within a minute");
    return Bounds{*first, *last};
  }

 private:
  Result<Page> read(rpc::Packer& params, std::uint64_t from, std::size_t limit) {
    params.text("from").unsigned_integer(from).text("limit").unsigned_integer(limit);
    const auto answer = client_.call("read", params.str());
    if (!answer) return answer.error();
    const auto page = Value::parse(*answer);
    if (!page) return page.error();
    Page out;
    for (rpc::Items events(page->find("events")); events.left() > 0;) {
      const auto body = events.next().bytes();
      if (!body) return fail(Errc::kCorrupt, "the gateway's answer to read has another form");
      out.bodies.emplace_back(*body);
    }
    out.next = page->find("next").unsigned_integer().value_or(from + out.bodies.size());
    return out;
  }
  rpc::BlockingClient client_;
};

class FolderSource final : public EventSource {
 public:
  explicit FolderSource(std::unique_ptr<storage::LogReader> log) : log_(std::move(log)) {}

  Result<Page> stream(const core::StreamName& name, std::uint64_t from,
                      std::size_t limit) override {
    auto records = log_->read_stream(name, from, std::min(limit, core::limits::kReaderRows));
    if (!records) return records.error();
    Page out = page_of(*records);
    out.next = from;
    if (!out.bodies.empty()) {
      const auto last = codec::decode_trusted(out.bodies.back());
      if (!last) return last.error();
      out.next = last->version + 1;
    }
    return out;
  }
  Result<Page> lane(Lane lane, Seq from, std::size_t limit) override {
    auto records = log_->read_lane(lane, from, std::min(limit, core::limits::kReaderRows));
    if (!records) return records.error();
    Page out = page_of(*records);
    out.next = records->empty() ? from : records->back().seq + 1;
    return out;
  }
  Result<Bounds> bounds(Lane lane) override {
    const auto state = log_->lane_state(lane);
    if (!state) return state.error();
    return Bounds{state->first, state->last};
  }

 private:
  static Page page_of(std::vector<storage::Record>& records) {
    Page out;
    for (storage::Record& record : records) out.bodies.push_back(std::move(record.body));
    return out;
  }
  std::unique_ptr<storage::LogReader> log_;
};

}  // namespace

Result<std::unique_ptr<EventSource>> gateway_source(const std::string& gateway) {
  auto client = connect_gateway(gateway);
  if (!client) return client.error();
  return std::unique_ptr<EventSource>(new GatewaySource(std::move(*client)));
}

std::filesystem::path log_folder(const std::string& state) {
  std::error_code ignored;
  std::filesystem::path folder = state;
  if (std::filesystem::is_directory(folder / "log", ignored)) folder /= "log";
  return folder;
}

Result<std::unique_ptr<EventSource>> folder_source(const std::string& state) {
  auto log = storage::LogReader::open(log_folder(state));
  if (!log) return log.error();
  return std::unique_ptr<EventSource>(new FolderSource(std::move(*log)));
}

}  // namespace sluice::cli
