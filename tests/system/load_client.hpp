// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::test {

// A device that will not give up: appends its events over the ingest socket, and sends whatever was
// not answered again, with the same ids, for as long as it takes. One thread.
class LoadClient {
 public:
  enum class Ids {
    kOrdered,       // UUIDv7
    kRandom,        // UUIDv4
    kRandomRepeat,  // UUIDv4, and every tenth event is sent again after its answer
  };
  struct Position {
    core::Epoch epoch;
    core::Seq seq = 0;
    std::uint64_t version = 0;
    bool operator==(const Position&) const = default;
  };

  LoadClient(std::filesystem::path socket, int number, Ids ids, std::uint64_t seed);

  // Returns when `count` events are acknowledged, or when `stop` is set.
  void run(std::uint64_t count, const std::atomic<bool>& stop);

  const std::map<core::Uuid, Position>& acknowledged() const { return acknowledged_; }
  const std::string& stream() const { return stream_; }
  // What should never happen, in words: a repeat with another position, a refusal.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Pending {
    core::Uuid id;
    std::uint64_t number = 0;
  };
  void connect(const std::atomic<bool>& stop);
  bool exchange(const std::vector<Pending>& batch, std::vector<Pending>& open);
  void take_answer(const Pending& event, std::string_view body);
  std::string encode(const Pending& event) const;
  core::Uuid draw_id();

  std::filesystem::path socket_;
  std::string stream_;
  int number_;
  Ids ids_;
  core::SeededRandom random_;
  core::UuidV7 ordered_{random_};
  std::optional<rpc::BlockingClient> client_;
  std::map<core::Uuid, Position> acknowledged_;
  std::vector<Pending> repeat_;
  std::vector<std::string> violations_;
};

}  // namespace sluice::test
