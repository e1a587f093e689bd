// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/device.hpp"

#include "core/error.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::test {

Device::Device(std::filesystem::path socket, Options options)
    : socket_(std::move(socket)), options_(std::move(options)), random_(options_.seed) {}

Device::~Device() {
  stop();
}

void Device::start() {
  stop_ = false;
  power_ = true;
  thread_ = std::thread([this] { work(); });
}

void Device::power_is_gone() {
  const std::lock_guard lock(mutex_);
  power_ = false;
}

void Device::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  client_.reset();
}

bool Device::pause(std::chrono::microseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stop_; });
}

std::string Device::encode() const {
  rpc::Packer out;
  out.array(1).array(static_cast<std::uint32_t>(open_.size()));
  for (const core::Uuid& id : open_) {
    out.map(4).text("stream").text(options_.stream).text("type").text("Sampled");
    out.text("id").text(id.text());
    out.text("data").map(2).text("n").unsigned_integer(number_);
    out.text("pad").text(std::string(options_.pad_bytes, 'x'));
  }
  return out.take();
}

void Device::take(std::string_view answer) {
  const rpc::Value list = rpc::Value::trusted(answer);
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < list.size() && i < open_.size(); ++i) {
    const rpc::Value one = list.at(i);
    acknowledged_.push_back({open_[i], std::string(one.find("lane").text().value_or("")),
                             std::string(one.find("epoch").text().value_or("")),
                             one.find("seq").unsigned_integer().value_or(0), power_});
  }
}

bool Device::append() {
  if (!client_) {
    auto client = rpc::BlockingClient::connect(socket_);
    if (!client) return false;
    client_.emplace(std::move(*client));
  }
  if (open_.empty()) {
    ++number_;
    for (std::size_t i = 0; i < options_.per_append; ++i)
      open_.push_back(ids_.next(1'790'000'000'000'000'000));
  }
  const auto answer = client_->call("append", encode());
  if (answer) {
    take(*answer);
    open_.clear();
    return true;
  }
  const std::lock_guard lock(mutex_);
  ++refusals_[std::string(core::error_word(answer.error().code))];
  last_refusal_ = to_string(answer.error());
  client_.reset();  // it may be dead; a new one costs little
  return false;
}

void Device::work() {
  constexpr std::chrono::microseconds kRetry{20'000};
  while (pause(append() ? options_.pace : std::max(options_.pace, kRetry))) {
  }
}

std::uint64_t Device::count() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_.size();
}

std::map<std::string, std::uint64_t> Device::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

std::string Device::last_refusal() const {
  const std::lock_guard lock(mutex_);
  return last_refusal_;
}

}  // namespace sluice::test
