// SPDX-License-Identifier: Apache-2.0
#include "tests/system/load_client.hpp"

#include <chrono>

#include "rpc/frame.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"
#include "tests/support/process.hpp"

namespace sluice::test {
namespace {
constexpr std::size_t kInFlight = 4;  // slow enough that a run sees dozens of kills
}

LoadClient::LoadClient(std::filesystem::path socket, int number, Ids ids, std::uint64_t seed)
    : socket_(std::move(socket)),
      stream_("load/c" + std::to_string(number)),
      number_(number),
      ids_(ids),
      random_(seed) {}

core::Uuid LoadClient::draw_id() {
  if (ids_ == Ids::kOrdered) return ordered_.next(1'790'000'000'000'000'000);
  core::Uuid id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random_.next());
  id.bytes[6] = static_cast<std::uint8_t>(0x40 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string LoadClient::encode(const Pending& event) const {
  rpc::Packer params;
  params.array(1).array(1).map(4);
  params.text("stream").text(stream_);
  params.text("type").text("Sampled");
  params.text("id").text(event.id.text());
  params.text("data").map(3);
  params.text("k").text(event.id.text());
  params.text("n").unsigned_integer(event.number);
  params.text("pad").text(std::string(120, 'x'));
  return params.take();
}

void LoadClient::connect(const std::atomic<bool>& stop) {
  eventually(
      [&] {
        if (stop) return true;
        auto client = rpc::BlockingClient::connect(socket_);
        if (client) client_.emplace(std::move(*client));
        return client_.has_value();
      },
      std::chrono::minutes(2));
}

void LoadClient::take_answer(const Pending& event, std::string_view body) {
  const rpc::Value answer = rpc::Value::trusted(body).at(0);
  const auto epoch = core::Epoch::parse(answer.find("epoch").text().value_or(""));
  const Position position{epoch ? *epoch : core::Epoch{},
                          answer.find("seq").unsigned_integer().value_or(0),
                          answer.find("version").unsigned_integer().value_or(0)};
  const auto [known, is_new] = acknowledged_.emplace(event.id, position);
  if (!is_new && known->second != position)
    violations_.push_back("event " + event.id.text() + " was answered with two positions");
  if (!is_new && !answer.find("duplicate").boolean().value_or(false))
    violations_.push_back("a repeat of " + event.id.text() + " was not called a duplicate");
  if (is_new && ids_ == Ids::kRandomRepeat && random_.below(10) == 0) repeat_.push_back(event);
}

// Sends the batch; what was not answered is left in `open`. False: the connection is gone.
bool LoadClient::exchange(const std::vector<Pending>& batch, std::vector<Pending>& open) {
  open = batch;
  std::map<std::uint32_t, Pending> sent;
  for (const Pending& event : batch) {
    const auto id = client_->send("append", encode(event));
    if (!id) return false;
    sent.emplace(*id, event);
  }
  while (!sent.empty()) {
    const auto incoming = client_->receive();
    if (!incoming) return false;
    const auto at = sent.find(incoming->id);
    if (at == sent.end()) continue;
    const Pending event = at->second;
    sent.erase(at);
    if (incoming->body) {
      take_answer(event, *incoming->body);
      std::erase_if(open, [&](const Pending& other) { return other.id == event.id; });
    } else if (const auto& error = incoming->body.error(); error.code != core::Errc::kUnavailable &&
                                                           error.code != core::Errc::kBusy &&
                                                           error.code != core::Errc::kIo) {
      violations_.push_back("event " + event.id.text() + " was refused: " + to_string(error));
      std::erase_if(open, [&](const Pending& other) { return other.id == event.id; });
    }
  }
  return true;
}

void LoadClient::run(std::uint64_t count, const std::atomic<bool>& stop) {
  std::vector<Pending> batch;
  std::uint64_t next = 0;
  while (!stop && (acknowledged_.size() < count || !repeat_.empty())) {
    if (!client_) connect(stop);
    if (!client_) return;
    for (; !repeat_.empty() && batch.size() < kInFlight; repeat_.pop_back())
      batch.push_back(repeat_.back());
    for (; batch.size() < kInFlight && next < count; ++next)
      batch.push_back({draw_id(), next * 100 + static_cast<std::uint64_t>(number_)});
    std::vector<Pending> open;
    if (!exchange(batch, open)) client_.reset();
    batch = std::move(open);
    if (batch.empty() && next >= count && repeat_.empty()) return;
  }
}

}  // namespace sluice::test
