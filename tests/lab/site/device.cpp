// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/site/device.hpp"

#include "rpc/pack.hpp"
#include "rpc/value.hpp"
#include "tests/support/process.hpp"

namespace sluice::test {

using namespace std::chrono_literals;

Device::Device(std::filesystem::path ingest_socket, std::uint64_t number, Options options)
    : socket_(std::move(ingest_socket)),
      number_(number),
      options_(std::move(options)),
      random_(number * 7919 + 1),
      thread_([this] { run(); }) {}

void Device::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string Device::turn_of(const Event& event) const {
  return "d" + std::to_string(number_) + "-" + std::to_string(event.number / 2);
}

std::string Device::encode(const std::vector<Event>& batch) const {
  rpc::Packer params;
  params.array(1).array(batch.size());
  for (const Event& event : batch) {
    params.map(4);
    params.text("stream").text(options_.category + "/d" + std::to_string(number_));
    params.text("type").text(event.number % 2 == 0 ? "First" : "Second");
    params.text("id").text(event.id);
    params.text("data").map(3);
    params.text("k").text(event.id);
    params.text("turn").text(turn_of(event));
    params.text("pad").text(std::string(options_.padding, 'x'));
  }
  return params.take();
}

// True: all of the batch is acknowledged.
bool Device::append(const std::vector<Event>& batch) {
  if (!client_) {
    auto client = rpc::BlockingClient::connect(socket_);
    if (!client) return false;
    client_.emplace(std::move(*client));
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = client_->call("append", encode(batch));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  if (took.count() > slowest_ms_) slowest_ms_ = took.count();
  if (!answer) {
    ++refused_;
    // Of an error that the gateway answered the connection would stay open; a new one does no harm.
    client_.reset();
    return false;
  }
  const rpc::Value answers = rpc::Value::trusted(*answer);
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const auto version = answers.at(i).find("version").unsigned_integer().value_or(0);
    acked_.push_back({batch[i].id, turn_of(batch[i]), batch[i].number % 2 == 1, version});
  }
  acked_count_ += batch.size();
  return true;
}

void Device::run() {
  std::vector<Event> batch;
  for (std::uint64_t next = 0; !stop_;) {
    if (batch.empty())
      for (std::size_t i = 0; i < options_.events_at_once; ++i)
        batch.push_back({ids_.next(1'790'000'000'000'000'000).text(), next++});
    if (append(batch)) batch.clear();
    eventually([this] { return stop_.load(); }, options_.pause);
  }
}

}  // namespace sluice::test
