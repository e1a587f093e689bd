// SPDX-License-Identifier: Apache-2.0
#include "sync/sluiced_link.hpp"

#include <unistd.h>

#include "core/event.hpp"

namespace sluice::sync {

namespace {

void pack_anchor(rpc::Packer& out, const storage::Anchor& anchor) {
  out.map(8);
  out.text("acked").unsigned_integer(anchor.acked);
  out.text("hub_stream").text(anchor.hub_stream);
  out.text("created").text(anchor.created);
  out.text("epoch").text(anchor.epoch.text());
  out.text("seq").unsigned_integer(anchor.seq);
  out.text("hub_seq").unsigned_integer(anchor.hub_seq);
  out.text("subject").text(anchor.subject);
  out.text("identity").text(anchor.identity);
}

rpc::Client::Answer when_done(SluicedLink::Done done) {
  return [done = std::move(done)](core::Result<rpc::Value> result) {
    if (result)
      done({});
    else
      done(result.error());
  };
}

}  // namespace

SluicedLink::SluicedLink(boost::asio::io_context& io, const std::filesystem::path& socket,
                         Handlers handlers)
    : handlers_(std::move(handlers)) {
  rpc::Client::Options options;
  options.socket = socket;
  client_ = std::make_unique<rpc::Client>(io, options);
  client_->on_notification([this](std::string_view method, rpc::Value) {
    if (method == "bell") handlers_.bell();
  });
  client_->connect([this](core::Result<void> connected) {
    if (!connected) return handlers_.opened(connected.error());
    say_hello();
  });
}

void SluicedLink::say_hello() {
  rpc::Packer params;
  params.array(1).map(2).text("version").text(SLUICE_VERSION).text("pid").integer(::getpid());
  client_->request("hello", params.take(), [this](core::Result<rpc::Value> answer) {
    if (!answer) return handlers_.opened(answer.error());
    const auto gateway = answer->find("gateway").text();
    const auto epoch = core::Epoch::parse(answer->find("epoch").text().value_or(""));
    if (!gateway || !epoch)
      return handlers_.opened(
          core::fail(core::Errc::kUnsupported, "sluiced's hello names no gateway and epoch"));
    // Once it is open, a close is news; before that, the error of opened() says it all.
    client_->on_close([this](core::Error why) { handlers_.closed(std::move(why)); });
    handlers_.opened(Hello{std::string(*gateway), *epoch});
  });
}

void SluicedLink::acks(core::Lane lane, const std::vector<storage::Anchor>& anchors) {
  rpc::Packer params;
  params.array(2).text(core::lane_name(lane)).array(anchors.size());
  for (const auto& anchor : anchors) pack_anchor(params, anchor);
  // Not answered, not written: the same events are sent again one day, and that is all.
  client_->request("acks", params.take(), [](core::Result<rpc::Value>) {});
}

void SluicedLink::rewind(core::Lane lane, core::Seq acked, Done durable) {
  rpc::Packer params;
  params.array(2).text(core::lane_name(lane)).unsigned_integer(acked);
  client_->request("rewind", params.take(), when_done(std::move(durable)));
}

void SluicedLink::set_aside(core::Lane lane, const storage::SetAside& range, Done durable) {
  rpc::Packer params;
  params.array(5).text(core::lane_name(lane)).text(range.epoch.text());
  params.unsigned_integer(range.from).unsigned_integer(range.to);
  params.text(core::gap_reason_word(range.reason));
  client_->request("set_aside", params.take(), when_done(std::move(durable)));
}

void SluicedLink::own_event(const std::string& entity, std::string_view type,
                            const std::string& words) {
  own_event_of(entity, type, rpc::Packer().map(1).text("message").text(words).take());
}

void SluicedLink::own_event_of(const std::string& entity, std::string_view type,
                               std::string_view packed_map) {
  rpc::Packer params;
  params.array(3).text(entity).text(type).raw(packed_map);
  client_->request("own_event", params.take(), [](core::Result<rpc::Value>) {});
}

void SluicedLink::went_back(core::Lane lane, core::Seq seq, const std::string& words) {
  rpc::Packer params;
  params.array(3).text(core::lane_name(lane)).unsigned_integer(seq).text(words);
  client_->request("went_back", params.take(), [](core::Result<rpc::Value>) {});
}

void SluicedLink::status(std::string packed_map) {
  rpc::Packer params;
  params.array(1).raw(packed_map);
  (void)client_->notify("link", params.take());
}

}  // namespace sluice::sync
